/** The page inside a file: the answers that it shows are in the file too. */
import { mount } from "svelte";
import { ChangesStore } from "@/state/changes.svelte";
import { JobsStore } from "@/state/jobs.svelte";
import { ProjectStore } from "@/state/project.svelte";
import { ThemeState } from "@/state/theme.svelte";
import { ViewStore } from "@/state/view.svelte";
import { readDocument } from "./document";
import Compared from "./Compared.svelte";
import Report from "./Report.svelte";
import Shown from "./Shown.svelte";
import "@/styles/base.css";

const contents = readDocument();
const theme = new ThemeState(contents.kind === "report");
const project = new ProjectStore();
const view = new ViewStore(project, theme);
const app = { project, view, theme, jobs: new JobsStore(project), changes: new ChangesStore(project), tour: null };
const opened = { report: view.state.page, layers: "layers" };
const page = contents.kind === "page" ? contents.page : opened[contents.kind];
const own = contents.kind === "page" ? contents.own : {};
if (view.state.selection.length === 0) view.update({ page, selection: contents.models, own }, "replace");
project.follow();

const target = document.getElementById("app")!;
if (contents.kind === "report") mount(Report, { target, props: { app, contents } });
else if (contents.kind === "layers") mount(Compared, { target, props: { app, contents } });
else mount(Shown, { target, props: { app, contents } });
