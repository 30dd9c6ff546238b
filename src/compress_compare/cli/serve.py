"""``compress-compare serve``."""

from __future__ import annotations

import click

from ..errors import InvalidValue


@click.command()
@click.argument("project", required=False)
@click.option(
    "--projects",
    metavar="DIR|URL",
    help="Serve every project in the folders of DIR, or in the database at URL, with a page that lists them.",
)
@click.option(
    "--artifacts",
    metavar="PLACE",
    help="With --projects URL: where files of new projects go: s3://bucket/prefix or a folder.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Default: 8787 or the next free one. 0 takes any free one.")
@click.option("--no-browser", is_flag=True, help="Print the address without opening a browser.")
@click.option(
    "--public-url",
    metavar="URL",
    multiple=True,
    help="Address by which others reach this server through a proxy or a tunnel, e.g. https://models.example.org.",
)
@click.option("--host", default="127.0.0.1", help="Address of this machine to listen on; others need --public-url.")
@click.option(
    "--identity", metavar="FILE", help="YAML file that says how an authenticating proxy names who calls; see the guide."
)
@click.option(
    "--import-from",
    "import_from",
    metavar="URL",
    multiple=True,
    help="Server of MLflow or W&B that the page may import from, e.g. http://127.0.0.1:5000 or https://wandb.ai.",
)
def serve(
    project: str | None,
    projects: str | None,
    artifacts: str | None,
    port: int | None,
    no_browser: bool,
    public_url: tuple[str, ...],
    host: str,
    identity: str | None,
    import_from: tuple[str, ...],
) -> None:
    """Show PROJECT in the browser, on this machine only, until Ctrl-C.

    Prints one line with the address that opens the page. The address holds a token: whoever has it can see and change
    the project while the server runs. For others, make tokens with compress-compare token create.
    """
    from ..server import serving

    if (project is None) == (projects is None):
        raise InvalidValue("serve.what", "Name one PROJECT, or several with --projects DIR or --projects URL.")
    if artifacts is not None and projects is None:
        raise InvalidValue("serve.artifacts", "--artifacts goes with --projects URL alone.", hint="Leave it out.")
    options = serving.ServerOptions("", public_url, host, identity, artifacts, import_from)
    run = serving.serve if projects is None else serving.serve_all
    run(project or projects or "", port=port, open_browser=not no_browser, announce=click.echo, options=options)
