"""How a table, figure or paragraph gets into a notebook, and from there into the page.

A figure is three outputs in a row: its title, the picture with its text alternative, and what
stands below it. JupyterLab and repository browsers show them as they are; the page makes one
`<figure>` of them, by the `tcoc` metadata.
"""

import html
import re
from typing import Any

import mistune
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import publish_display_data

from tcoc.report.seal import seal
from tcoc.report.tables import text

NARROW, DATA = "image/svg+xml;layout=narrow", "text/csv"
"""What a figure's output carries beside its picture, for the page alone."""

_MARKDOWN = mistune.create_markdown(escape=True, plugins=["table"])


def publish(data: dict[str, Any], kind: str, /, **facts: Any) -> None:
    """Send an output to the notebook; outside of a notebook nothing happens."""
    if InteractiveShell.initialized():
        digest = seal(kind, str(facts.get("name", "")), data)
        publish_display_data(data, {"tcoc": {"kind": kind, "digest": digest, **facts}})


def publish_html(content: str, plain: str, kind: str, /, **facts: Any) -> None:
    """Send HTML with its plain text to the notebook."""
    publish({"text/html": content, "text/plain": plain}, kind, **facts)


def publish_figure(
    *, name: str, title: str, alt: str, wide: str, narrow: str, below: str, csv: str
) -> None:
    """Send a figure: title, picture (with its narrow layout and its data), what stands below it."""
    publish_html(f'<p class="tcoc-title"><strong>{text(title)}</strong></p>', title, "figure-title")
    picture = {"image/svg+xml": wide, NARROW: narrow, DATA: csv, "text/plain": f"{title}\n\n{alt}"}
    publish(picture, "figure", name=name, title=title, alt=alt)
    publish_html(below, "", "figure-below")


def markdown(content: str) -> str:
    """Return Markdown as HTML without formulas: a dollar sign is a dollar sign."""
    rendered = str(_MARKDOWN(content)).strip()
    return amounts(rendered.replace("\\$", "$"))


def amounts(rendered: str) -> str:
    """Keep each amount of some HTML in one piece, outside of tags."""
    parts = re.split(r"(<[^>]*>)", rendered)
    return "".join(part if part.startswith("<") else text(html.unescape(part)) for part in parts)


def plain_words(content: str) -> str:
    """Return Markdown without its marks, for plain text and attributes."""
    unmarked = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", content)
    return html.unescape(re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*`]{1,3}", "", unmarked)).strip()


def tiles(numbers: list[tuple[str, str, str]]) -> str:
    """Return key numbers as a definition list: what it is, the number, a remark."""
    parts = "".join(
        f"<div><dt>{text(label)}</dt><dd>{text(number)}"
        + (f" <small>{text(remark)}</small>" if remark else "")
        + "</dd></div>"
        for label, number, remark in numbers
    )
    return f'<dl class="tcoc-tiles">{parts}</dl>'


NOTEBOOK_STYLE = """<style>
.tcoc-title{font-size:1.05rem;margin:1rem 0 .25rem;max-width:48rem}
.tcoc-say{max-width:44rem;line-height:1.55}
.tcoc-table table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:0}
.tcoc-table caption{text-align:left;font-weight:600;padding:.25rem 0;caption-side:top}
.tcoc-table th,.tcoc-table td{padding:.3rem .7rem;text-align:left;border-bottom:1px solid #8884}
.tcoc-table .r{text-align:right}.tcoc-table tfoot td{font-size:.85em;border:0}
.tcoc-table tfoot span{display:block}.tcoc-scroll{overflow:auto;max-height:32rem}
.tcoc-download,.tcoc-below{font-size:.9em}.tcoc-unit{font-weight:400}
.tcoc-tiles{display:flex;flex-wrap:wrap;gap:1rem 2rem}.tcoc-tiles dd{margin:0;font-size:1.5em}
.tcoc-tiles small{display:block;font-size:.55em}
</style>"""
