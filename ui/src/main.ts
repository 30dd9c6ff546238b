import { mount } from "svelte";
import App from "./App.svelte";
import { JobsStore } from "./state/jobs.svelte";
import { ProjectStore } from "./state/project.svelte";
import { ThemeState } from "./state/theme.svelte";
import { ViewStore } from "./state/view.svelte";
import "./styles/base.css";

const theme = new ThemeState();
const project = new ProjectStore();
const view = new ViewStore(project, theme);
const jobs = new JobsStore(project);
project.follow();

mount(App, { target: document.getElementById("app")!, props: { app: { project, view, theme, jobs } } });
