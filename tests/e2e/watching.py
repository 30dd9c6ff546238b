"""A page under watch: nothing may go wrong on it unnoticed."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Page


class Watched:
    """A page and everything that went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("console", self._console)
        page.on("requestfailed", lambda request: self._failed(request.url, request.failure))
        page.on("response", lambda answer: self._answered(answer.url, answer.status))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _failed(self, url: str, failure: str | None) -> None:
        if failure != "net::ERR_ABORTED":
            self.problems.append(f"request: {url.split('?')[0]}: {failure}")

    def _answered(self, url: str, status: int) -> None:
        if status >= 400:
            self.problems.append(f"answer: {url.split('?')[0]}: {status}")
