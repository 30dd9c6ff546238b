/** The page of a server for several projects. */
import { mount } from "svelte";
import { ThemeState } from "@/state/theme.svelte";
import "@/styles/base.css";
import Projects from "./Projects.svelte";

mount(Projects, { target: document.getElementById("app")!, props: { theme: new ThemeState() } });
