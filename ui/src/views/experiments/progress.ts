/** How long things take, in words. */
import type { Job } from "@/api/jobs";

/** `3 s`, `2 min 5 s`, `1 h 4 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

/** Seconds that a job has run, or ran; null before it started. */
export function elapsed(job: Job, now: number): number | null {
  if (!job.started_at) return null;
  const end = job.finished_at ? Date.parse(job.finished_at) : now;
  return Math.max(0, (end - Date.parse(job.started_at)) / 1000);
}

/** Seconds that a running job will still take if it goes on as it did; null while that is a guess. */
export function remaining(job: Job, now: number): number | null {
  const passed = elapsed(job, now);
  if (job.state !== "running" || passed === null || passed < 2 || job.progress < 0.05) return null;
  return (passed * (1 - job.progress)) / job.progress;
}

/** `12 s, about 30 s left`. */
export function timing(job: Job, now: number): string {
  const passed = elapsed(job, now);
  if (passed === null) return "";
  const left = remaining(job, now);
  return left === null ? duration(passed) : `${duration(passed)}, about ${duration(left)} left`;
}

export function ended(job: Job): boolean {
  return job.state !== "queued" && job.state !== "running";
}

/** How a list of jobs stands, as a sentence. */
export function summary(jobs: readonly Job[]): string {
  const tops = jobs.filter((job) => job.parent === null);
  const count = (state: Job["state"]): number => tops.filter((job) => job.state === state).length;
  const parts = (["running", "queued", "failed"] as const)
    .map((state) => [count(state), state] as const)
    .filter(([number]) => number > 0)
    .map(([number, state]) => `${number} ${state}`);
  if (tops.length === 0) return "No jobs yet";
  return parts.length ? parts.join(", ") : `All ${tops.length === 1 ? "done" : `${tops.length} ended`}`;
}
