// Questions to an open page, answered from what the browser made of it: a function for each.
const CHECKS = {
  // How often each element, and each attribute of an element (`a href`), occurs.
  parts: () => {
    const tally = {};
    for (const element of document.querySelectorAll("*")) {
      const own = element.getAttributeNames().map((name) => `${element.localName} ${name}`);
      for (const part of [element.localName, ...own]) tally[part] = (tally[part] || 0) + 1;
    }
    return tally;
  },

  // Everything that the page may ask for.
  addresses: () => {
    const names = ["href", "src", "srcset", "action", "formaction", "data", "poster", "ping", "background", "xlink:href"];
    return [...document.querySelectorAll("*")].flatMap((element) =>
      names.filter((name) => element.hasAttribute(name)).map((name) => element.getAttribute(name)),
    );
  },

  // Signs of a page that is no longer its author's own.
  state: () => {
    const functions = ["getElementById", "querySelectorAll", "querySelector", "addEventListener", "createElement"];
    // not through `document`, whose own functions an element may have replaced
    const all = (selector) => [...Document.prototype.querySelectorAll.call(document, selector)];
    return {
      hits: self.hits || [],
      frames: self.frames.length,
      titles: all("title").length,
      clobbered: functions.filter((name) => typeof document[name] !== "function"),
      body: document.body === all("html > body")[0],
      standards: document.compatMode === "CSS1Compat",
      handlers: all("*").filter((e) => e.getAttributeNames().some((name) => name.startsWith("on"))).length,
    };
  },

  // Unfold all details, press every button, and scroll through the page, so that all of it gets drawn.
  openEverything: () => {
    document.querySelectorAll("details").forEach((e) => { e.open = true; });
    document.querySelectorAll("button").forEach((e) => e.click());
    document.querySelectorAll("p, table, pre, figure, section").forEach((e) => e.scrollIntoView());
  },

  // Do to the one thing that can be pressed what a visitor with a mouse does.
  press: () => {
    const element = [...document.querySelectorAll("#click, a, button")].at(-1);
    for (const name of ["pointerenter", "mouseover"]) element.dispatchEvent(new MouseEvent(name, { bubbles: true }));
    element.focus();
    element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, composed: true }));
  },

  // The lines that a reader sees.
  lines: () => document.body.innerText.split("\n").map((line) => line.trim()).filter(Boolean),

  // How a color looks on a ground, and the ground of an element, as `rgb(r,g,b)`.
  colors: () => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const paint = canvas.getContext("2d", { willReadFrequently: true });
    // painted, so that every notation of CSS and every transparency is understood
    const painted = (color, ground) => {
      paint.fillStyle = ground;
      paint.fillRect(0, 0, 1, 1);
      paint.fillStyle = color;
      paint.fillRect(0, 0, 1, 1);
      return `rgb(${[...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).join(",")})`;
    };
    // what the browser itself paints under the page, which color-scheme decides
    const system = document.createElement("div");
    system.style.color = "Canvas";
    document.body.append(system);
    const canvasColor = painted(getComputedStyle(system).color, "white");
    system.remove();
    const ground = (element) => {
      const chain = [];
      for (let e = element; e; e = e.parentElement) chain.unshift(getComputedStyle(e).backgroundColor);
      return chain.reduce((below, color) => painted(color, below), canvasColor);
    };
    return { painted, ground };
  },

  // Red, green and blue under the page.
  ground: () => CHECKS.colors().ground(document.body).match(/\d+/g).map(Number),

  // Visible text below the contrast of WCAG 2.2, 1.4.3 (AA): 4.5, or 3 if it is large.
  lowContrast: () => {
    const { painted, ground } = CHECKS.colors();
    const luminance = (color) => {
      const linear = color.match(/\d+/g).map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
      return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent.trim();
      const shown = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
      if (!text || !shown || element.closest("svg, script, style")) continue;
      const style = getComputedStyle(element);
      const below = ground(element);
      const both = [luminance(painted(style.color, below)), luminance(below)];
      const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) {
        found.push(`${ratio.toFixed(2)} ${element.localName}.${element.className}: ${text.slice(0, 60)}`);
      }
    }
    return found;
  },

  // What makes the page scroll sideways; nothing if it does not.
  overflowing: () => {
    const width = document.documentElement.clientWidth;
    if (Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) <= width) return [];
    const right = (e) => Math.round(e.getBoundingClientRect().right);
    const wide = [...document.querySelectorAll("body *")].filter((e) => right(e) > width + 1);
    return [`the page, ${document.documentElement.scrollWidth} px`].concat(
      wide.slice(0, 10).map((e) => `${e.localName}.${e.className}, to ${right(e)} px`),
    );
  },

  // What a reader of the page by ear or by keyboard would lack.
  barriers: () => {
    const wrong = [];
    const all = (selector) => [...document.querySelectorAll(selector)];
    const note = (elements, what) => elements.forEach((e) => wrong.push(`${what}: ${e.outerHTML.slice(0, 150)}`));
    const label = (e) => e.getAttribute("aria-label") || e.getAttribute("aria-labelledby");
    if (!document.documentElement.lang) wrong.push("the page names no language");
    if (!document.title.trim()) wrong.push("the page has no title");
    if (all("main").length !== 1) wrong.push("not one main");
    if (all("h1").length !== 1) wrong.push("not one h1");
    let level = 0;
    for (const heading of all("h1, h2, h3, h4, h5, h6")) {
      const own = Number(heading.localName[1]);
      if (own > level + 1) note([heading], `a heading below level ${level}`);
      level = own;
    }
    note(all("img").filter((e) => !e.hasAttribute("alt")), "no alternative text");
    note(all("figure img").filter((e) => e.alt.trim().length < 10), "a figure without a description");
    note(all("svg").filter((e) => e.ariaHidden !== "true" && !e.querySelector("title") && !label(e)), "no name");
    note(all("table th").filter((e) => !["col", "row", "colgroup", "rowgroup"].includes(e.scope)), "no scope");
    note(all("table").filter((e) => !e.querySelector("th")), "a table without headers");
    note(all("table").filter((e) => !e.caption && !label(e)), "a table without a name");
    note(all("a[href], button, summary").filter((e) => !e.textContent.trim() && !label(e) && !e.querySelector("img[alt]")),
      "no name");
    note(all("details").filter((e) => !e.querySelector(":scope > summary")), "no summary");
    note(all("input, select, textarea").filter((e) => !e.labels.length && !label(e)), "no label");
    note(all("[tabindex]").filter((e) => e.tabIndex > 0), "an order of its own");
    const ids = all("[id]").map((e) => e.id);
    ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => wrong.push(`id ${id} twice`));
    for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
      const lost = (e) => e.getAttribute(name).split(/\s+/).some((id) => !document.getElementById(id));
      note(all(`[${name}]`).filter(lost), `${name} to nothing`);
    }
    return wrong;
  },

  // Links within the page that lead nowhere.
  deadLinks: () => [...document.querySelectorAll('a[href^="#"]')].map((a) => a.getAttribute("href"))
    .filter((href) => !document.getElementById(decodeURIComponent(href.slice(1)))),

  // Images that could not be drawn.
  emptyImages: async () => {
    const found = [];
    for (const image of document.images) {
      image.loading = "eager";
      await image.decode().catch(() => null);
      if (image.naturalWidth === 0) found.push(image.outerHTML.slice(0, 200));
    }
    return found;
  },
};
