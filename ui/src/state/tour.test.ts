// @vitest-environment jsdom
import { beforeEach, describe, expect, it } from "vitest";
import { TourState } from "./tour.svelte";

describe("the tour", () => {
  beforeEach(() => localStorage.clear());

  it("begins at a first visit, goes on after a reload, and once ended stays away", () => {
    const first = new TourState(3, false);
    expect([first.stop, first.asked]).toEqual([0, false]);
    first.go(1);
    const reloaded = new TourState(3, false);
    expect(reloaded.stop).toBe(1);
    reloaded.go(-1);
    reloaded.go(-1);
    expect(reloaded.stop).toBe(0);
    reloaded.end();
    expect(reloaded.stop).toBeNull();
    expect(new TourState(3, false).stop).toBeNull();
  });

  it("ends after the last stop", () => {
    const tour = new TourState(2, false);
    tour.go(1);
    expect(tour.stop).toBe(1);
    tour.go(1);
    expect(tour.stop).toBeNull();
    tour.go(1);
    expect(tour.stop).toBeNull();
    expect(new TourState(2, false).stop).toBeNull();
  });

  it("does not offer itself to programs, but can be asked for", () => {
    const tour = new TourState(2, true);
    expect(tour.stop).toBeNull();
    expect(localStorage.length).toBe(0);
    tour.start();
    expect([tour.stop, tour.asked]).toEqual([0, true]);
  });

  it("forgets a stop that is no longer there", () => {
    localStorage.setItem("compress-compare.tour", "7");
    expect(new TourState(3, false).stop).toBeNull();
  });
});
