"""The ways in which work fails, in words that are the same for every engine."""

from __future__ import annotations

from .base import Outcome


def lost(how: str) -> Outcome:
    """The worker ended, and not by its own doing."""
    title = f"The worker was lost: {how}."
    return failed(
        f"worker_lost({how})", "job.worker_lost", title=title, hint="Retry the job; if it happens again, see the log."
    )


def out_of_memory(peak: int, limit: int | None) -> Outcome:
    """The worker needed more than it may have; both in bytes."""
    allowed = f"{limit:,}" if limit is not None else "those of the machine"
    return failed(
        "out_of_memory",
        "job.out_of_memory",
        title="The worker ran out of memory.",
        detail=f"It had up to {peak:,} bytes; allowed were {allowed}.",
        hint="Use smaller batches, allow more memory (--memory), or run fewer workers.",
    )


def short_of_memory(times: int) -> Outcome:
    """The machine of the worker had too little memory, and the cluster ended the worker for it."""
    return failed(
        "out_of_memory",
        "job.out_of_memory",
        title="The worker ran out of memory.",
        detail=f"Its node was short of memory, and Ray ended it, {times} times.",
        hint="Use smaller batches, run fewer workers, or ask for more cores per step (--cpus): fewer then share one.",
    )


def ended_by_cluster(state: str) -> Outcome:
    """SLURM ended the job of the worker; the state is its own word."""
    if state == "OUT_OF_MEMORY":
        return failed(
            "out_of_memory",
            "job.out_of_memory",
            title="The worker ran out of memory.",
            detail="SLURM ended its job for it.",
            hint="Use smaller batches, or allow more memory (--memory).",
        )
    if state == "TIMEOUT":
        return failed(
            "out_of_time",
            "job.out_of_time",
            title="The step took longer than SLURM let it run.",
            hint="Allow more time (--minutes), within what the partition gives.",
        )
    return lost(f"its job ended as {state.lower()}")


def failed(reason: str, code: str, *, title: str, detail: str = "", hint: str = "") -> Outcome:
    """The work failed: in short, and in full."""
    return Outcome("failed", reason, {"code": code, "title": title, "detail": detail, "hint": hint})
