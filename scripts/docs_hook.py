"""What the site needs beyond docs/: the pages at the root of the repository, and the files that pages link to."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")
RUN = re.compile(r"^```(\w+) run$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files outside docs/ that a page of the site links to, under their own paths."""
    pages = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()}
    linked = {target for uri, text in texts.items() for target in _outside(text, f"docs/{uri}")}
    for name in sorted({*pages, *linked}):
        if (ROOT / name).is_file() and not name.startswith("docs/") and files.get_file_from_path(name) is None:
            files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def _outside(text: str, path: str) -> set[str]:
    found = {normpath(PurePosixPath(path).parent / link) for _, link, _, _ in LINK.findall(text)}
    return {name for name in found if not name.startswith(("docs/", ".."))}


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Point links at where their targets stand on the site, and drop the mark of snippets that the tests run."""
    uri = page.file.src_uri
    path = uri if page.file.generated_by else f"docs/{uri}"

    def moved(link: re.Match[str]) -> str:
        before, target, anchor, after = link[1], link[2], link[3] or "", link[4]
        place = normpath(PurePosixPath(path).parent / target)
        place = f"{place}/README.md" if (ROOT / place / "README.md").is_file() else place
        return f"{before}{relpath(place.removeprefix('docs/'), str(PurePosixPath(uri).parent))}{anchor}{after}"

    return RUN.sub(r"```\1", LINK.sub(moved, markdown))
