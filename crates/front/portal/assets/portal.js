// What moves on the pages. Without it they are whole, but stand still. It only ever sets text that the server escaped or that
// goes through textContent; it loads nothing but pages of this server.

const pad = (number) => String(number).padStart(2, "0");

// Times in the reader's zone; in UTC on hover.
const local = (at) => {
  const date = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${date} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
};
const isTime = (at) => !Number.isNaN(at.getTime());
const localise = (root) => {
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(time.dateTime);
    if (!isTime(at)) continue;
    time.title = time.textContent;
    time.textContent = local(at);
  }
};

// Times that are typed, too. The server takes them in UTC, and says so where this does not run.
const typeLocally = () => {
  for (const input of document.querySelectorAll("input[data-utc]")) {
    const read = (text) => new Date(text.trim().replace(" ", "T"));
    const hasZone = /(z|[+-]\d\d:?\d\d)$/i.test(input.value.trim());
    const given = read(hasZone ? input.value : `${input.value.trim()}Z`);
    if (isTime(given)) input.value = local(given);
    for (const zone of input.labels[0].querySelectorAll("[data-zone]")) zone.textContent = "your time";
    input.form.addEventListener("formdata", (event) => {
      const typed = read(input.value);
      if (isTime(typed)) event.formData.set(input.name, typed.toISOString());
    });
  }
};

// The page stands still from now on: nobody is signed in any more.
const sayOver = (from) => {
  const note = document.createElement("div");
  note.className = "note warn";
  note.setAttribute("role", "status");
  const link = document.createElement("a");
  link.href = from;
  link.textContent = "Sign in again";
  note.append("You are not signed in any more: what is shown here does not change. ", link);
  document.querySelector("h1")?.after(note);
};

// Parts of the page that say what is now: fetched again with their page, or with the one they name where this is the answer
// to a form, and put in place when they changed.
const refresh = () => {
  const parts = () => [...document.querySelectorAll("[data-refresh][id]")];
  if (parts().length === 0) return;
  const known = new Map(parts().map((part) => [part.id, part.innerHTML]));
  const seconds = Math.min(...parts().map((part) => Number(part.dataset.refresh)));
  const from = parts().find((part) => part.dataset.from)?.dataset.from ?? location.href;
  let isOver = false;
  const again = async () => {
    try {
      if (document.hidden) return;
      const answer = await fetch(from, { headers: { accept: "text/html" }, redirect: "manual" });
      // To sign in is the only place that such a page leads to.
      if (answer.type === "opaqueredirect") {
        isOver = true;
        sayOver(from);
      }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const next = page.getElementById(part.id);
        const isBusy = part.contains(document.activeElement) || part.querySelector("details[open]");
        if (!next || isBusy || known.get(part.id) === next.innerHTML) continue;
        known.set(part.id, next.innerHTML);
        part.replaceChildren(...next.childNodes);
        localise(part);
        copy(part);
      }
    } catch {
      // The server is away: what is shown stays until it is back.
    } finally {
      if (!isOver) setTimeout(again, seconds * 1000);
    }
  };
  setTimeout(again, seconds * 1000);
};

const element = (name, words, kind) => {
  const made = document.createElement(name);
  if (words !== undefined) made.textContent = words;
  if (kind) made.className = kind;
  return made;
};

// The numbers of messages, a line for each name: of the newest values, from the least to the greatest.
const VALUES_MAX = 120;
const LINES_OF_NUMBERS_MAX = 12;
const charts = (box) => {
  const lines = new Map();
  const svg = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const line = (name) => {
    const figure = element("figure");
    const caption = element("figcaption", name);
    const last = element("b");
    caption.append(last);
    const picture = svg("svg");
    picture.setAttribute("class", "line");
    picture.setAttribute("viewBox", "0 0 100 100");
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("role", "img");
    const drawn = svg("polyline");
    picture.append(drawn);
    figure.append(caption, picture);
    box.append(figure);
    return { values: [], last, picture, drawn };
  };
  const add = (name, value) => {
    if (!lines.has(name)) {
      if (lines.size === LINES_OF_NUMBERS_MAX) return;
      lines.set(name, line(name));
    }
    const { values, last, picture, drawn } = lines.get(name);
    values.push(value);
    if (values.length > VALUES_MAX) values.shift();
    const least = Math.min(...values);
    const most = Math.max(...values);
    const across = 100 / Math.max(values.length - 1, 1);
    const up = (one) => (most === least ? 50 : 95 - (90 * (one - least)) / (most - least));
    drawn.setAttribute("points", values.map((one, at) => `${(at * across).toFixed(1)},${up(one).toFixed(1)}`).join(" "));
    last.textContent = String(value);
    picture.setAttribute("aria-label", `${name}: ${value}; from ${least} to ${most} in ${values.length} messages`);
  };
  const read = (name, value, depth) => {
    if (typeof value === "number") add(name || "value", value);
    else if (value && typeof value === "object" && !Array.isArray(value) && depth < 3)
      for (const [key, one] of Object.entries(value)) read(name ? `${name}.${key}` : key, one, depth + 1);
  };
  return (text) => {
    try {
      read("", JSON.parse(text), 0);
    } catch {
      // Not every message is JSON.
    }
  };
};

// A device's messages as they arrive.
const LINES_MAX = 200;
const follow = (list) => {
  const state = document.getElementById("live-state");
  const box = document.getElementById("charts");
  let chart = () => {};
  let skipped = 0;
  let unseen = 0;
  const say = (text) => {
    const more = skipped > 0 ? ` ${skipped.toLocaleString()} more came than can be shown.` : "";
    const missed = unseen > 0 ? ` ${unseen.toLocaleString()} of all devices went by too fast to look whose they are.` : "";
    state.textContent = text + more + missed;
  };
  const source = new EventSource(list.dataset.live);
  source.onopen = () => {
    // What was shown before comes again.
    list.replaceChildren();
    box?.replaceChildren();
    if (box) chart = charts(box);
    say("Following. Nothing came yet: what is sent appears here.");
  };
  source.onerror = () => say("Not connected; trying again.");
  source.addEventListener("skipped", (event) => {
    const leftOut = JSON.parse(event.data);
    skipped += leftOut.skipped;
    unseen += leftOut.unseen;
    say("Following.");
  });
  source.addEventListener("over", () => {
    source.close();
    say("You are not signed in any more.");
  });
  source.onmessage = (event) => {
    const line = JSON.parse(event.data);
    const row = element("li", undefined, "fresh");
    const about = element("p");
    const at = element("time", line.at);
    at.dateTime = line.at;
    about.append(at);
    if (list.dataset.devices && line.device) {
      const device = element("a", line.device);
      device.href = `${list.dataset.devices}/${encodeURIComponent(line.device)}`;
      about.append(device);
    }
    if (line.source !== "Telemetry") about.append(element("span", line.source, "badge"));
    if (line.properties) about.append(element("span", line.properties));
    row.append(about, element("code", line.body));
    localise(row);
    if (line.source === "Telemetry") chart(line.body);
    list.prepend(row);
    list.hidden = false;
    while (list.children.length > LINES_MAX) list.lastChild.remove();
    say("Following.");
  };
  addEventListener("pagehide", () => source.close());
};

// A button that copies what is beside it.
const copy = (root) => {
  if (!navigator.clipboard) return;
  for (const secret of root.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.textContent = "copy";
    button.setAttribute("aria-label", `copy ${secret.dataset.copy}`);
    button.addEventListener("click", async (event) => {
      await navigator.clipboard.writeText(secret.textContent);
      button.textContent = "copied";
      // A part of the page stands still while something in it has the focus: a mouse does not need it any more.
      if (event.detail > 0) button.blur();
      setTimeout(() => (button.textContent = "copy"), 2000);
    });
    secret.after(" ", button);
  }
};

// A file dropped anywhere on a form is as good as one that was chosen.
const drop = () => {
  for (const input of document.querySelectorAll("input[type=file]")) {
    const card = input.closest(".card") ?? input.form;
    const mark = (event, is) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      card.classList.toggle("drop", is);
    };
    card.addEventListener("dragover", (event) => mark(event, true));
    card.addEventListener("dragleave", (event) => mark(event, false));
    card.addEventListener("drop", (event) => {
      mark(event, false);
      if (event.dataTransfer?.files.length) input.files = event.dataTransfer.files;
    });
  }
};

// Of many tabs on a narrow screen the one that is open is seen.
const showTab = () => {
  const open = document.querySelector(".tabs [aria-current]");
  const tabs = open?.closest(".tabs");
  if (tabs) tabs.scrollLeft = open.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - open.clientWidth) / 2;
};

localise(document);
typeLocally();
showTab();
window.addEventListener("resize", showTab);
refresh();
copy(document);
drop();
for (const list of document.querySelectorAll("[data-live]")) follow(list);
