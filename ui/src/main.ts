import { mount } from "svelte";
import App from "./App.svelte";
import { ChangesStore } from "./state/changes.svelte";
import { JobsStore } from "./state/jobs.svelte";
import { ProjectStore } from "./state/project.svelte";
import { STOPS } from "./shell/tour";
import { ThemeState } from "./state/theme.svelte";
import { TourState } from "./state/tour.svelte";
import { ViewStore } from "./state/view.svelte";
import "./styles/base.css";

const theme = new ThemeState();
const project = new ProjectStore();
const view = new ViewStore(project, theme);
const jobs = new JobsStore(project);
const changes = new ChangesStore(project);
const tour = new TourState(STOPS.length);
project.follow();

mount(App, { target: document.getElementById("app")!, props: { app: { project, view, theme, jobs, changes, tour } } });
