"""Pages that need no network: HTML with its pictures in it."""

import base64
import html
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image

from gan_jax.pictures import grids

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --mark: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --mark: #ffc861; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 2rem 1.2rem 5rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .7rem; }
p.lead { margin: 0 0 1.2rem; } p.lead, figcaption, .note { opacity: .75; } figcaption, .note { font-size: .9rem; }
p.status { color: var(--mark); font-weight: 600; margin: 0 0 .6rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .7rem; margin: 0; }
dl div { background: var(--soft); border-radius: 6px; padding: .6rem .8rem; }
dt { font-size: .8rem; opacity: .75; overflow-wrap: anywhere; } dd { margin: 0; font-size: 1.2rem; font-weight: 600; }
dd small { display: block; font-size: .8rem; font-weight: 400; opacity: .75; }
img { max-width: 100%; height: auto; background: white; border-radius: 4px; image-rendering: auto; }
figure { margin: 0 0 1.2rem; } .side { display: flex; flex-wrap: wrap; gap: 1.2rem; }
.side figure { flex: 1 1 20rem; max-width: 34rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .8rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } tbody tr:hover { background: var(--soft); }
code, pre { font: .88rem/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; background: var(--soft); padding: .8rem; border-radius: 6px; }
details { margin: .4rem 0; } summary { cursor: pointer; padding: .3rem 0; }
@media (max-width: 40rem) { body { padding: 1.2rem .8rem 3rem; } th, td { padding: .3rem .5rem; } dl { gap: .4rem; } }
"""
ARROWS = {"lower": "↓", "higher": "↑"}


def page(title: str, lead: str, sections: Iterable[tuple[str, str]], *, status: str = "", facts: str = "") -> str:
    """The whole page.

    Args:
      lead: a line below the title.
      sections: (heading, HTML); those without content are left out.
      status: what a reader must know first, such as that something is not finished.
      facts: HTML between the lead and the sections.
    """
    status = f'<p class="status">{html.escape(status)}</p>\n' if status else ""
    body = "\n".join(
        f"<section><h2>{html.escape(head)}</h2>\n{content}</section>" for head, content in sections if content
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>\n"
        f'{status}<p class="lead">{html.escape(lead)}</p>\n{facts}{body}\n</body></html>\n'
    )


def cards(facts: Mapping[str, str | tuple[str, str]]) -> str:
    """A few facts to be seen at once: their names, and each a text, or a text and what is said of it beneath."""
    shown = ""
    for name, fact in facts.items():
        text, beneath = (fact, "") if isinstance(fact, str) else fact
        small = f"<small>{html.escape(beneath)}</small>" if beneath else ""
        shown += f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(text)}{small}</dd></div>\n"
    return f"<dl>\n{shown}</dl>\n" if shown else ""


def with_arrow(name: str, better: str | None) -> str:
    """A measure's name, with an arrow that says which way it is better: "lower", "higher" or None."""
    return f"{name} {ARROWS[better]}" if better else name


def table(lines: list[list[str]]) -> str:
    """A table of a head and rows, in whose cells **bold** and `code` are as in Markdown."""
    row = lambda cells, tag: "<tr>" + "".join(f"<{tag}>{_inline(cell)}</{tag}>" for cell in cells) + "</tr>"
    body = "\n".join(row(cells, "td") for cells in lines[1:])
    return f'<div class="wide"><table><thead>{row(lines[0], "th")}</thead>\n<tbody>{body}</tbody></table></div>\n'


def pairs(values: Mapping[str, object]) -> str:
    """A table of names and values."""
    body = "\n".join(
        f"<tr><th>{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in values.items()
    )
    return f'<div class="wide"><table><tbody>{body}</tbody></table></div>\n'


def picture(source: Path | Image.Image, caption: str, alt: str = "") -> str:
    """A picture, from a PNG or GIF file or as it is, that is part of the page.

    Args: caption: stands beneath it; alt: what is seen in it, for who does not see it; by default the caption.
    """
    if isinstance(source, Image.Image):
        kind, content, (width, height) = "png", grids.png(source), source.size
    else:
        kind, content = source.suffix.lstrip("."), source.read_bytes()
        with Image.open(source) as opened:
            width, height = opened.size
    data = base64.b64encode(content).decode()
    sizes = f'width="{width}" height="{height}" alt="{html.escape(alt or caption)}"'
    image = f'<img src="data:image/{kind};base64,{data}" {sizes}>'
    return f"<figure>{image}<figcaption>{html.escape(caption)}</figcaption></figure>\n"


def side_by_side(figures: Iterable[str]) -> str:
    """Pictures that stand beside each other where there is room."""
    content = "".join(figures)
    return f'<div class="side">{content}</div>\n' if content else ""


def note(text: str) -> str:
    """A small line of text."""
    return f'<p class="note">{html.escape(text)}</p>\n'


def code(text: str) -> str:
    """Lines as they are."""
    return f"<pre>{html.escape(text)}</pre>\n"


def folded(summary: str, content: str) -> str:
    """Content that is shown when asked for."""
    return f"<details><summary>{html.escape(summary)}</summary>\n{content}</details>\n"


def _inline(text: str) -> str:
    text = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
    return re.sub(r"\*\*([^*]*)\*\*", r"<strong>\1</strong>", text)
