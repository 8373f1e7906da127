// What moves on the pages. Without it they are whole, but stand still. It only ever sets text that the server escaped or that
// goes through textContent; it loads nothing but pages of this server.

const pad = (number) => String(number).padStart(2, "0");

// Times in the reader's zone; in UTC on hover.
const localise = (root) => {
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    const date = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
    time.textContent = `${date} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  }
};

// Parts of the page that say what is now: fetched again with their page, and put in place when they changed.
const refresh = () => {
  const parts = () => [...document.querySelectorAll("[data-refresh][id]")];
  if (parts().length === 0) return;
  const known = new Map(parts().map((part) => [part.id, part.innerHTML]));
  const seconds = Math.min(...parts().map((part) => Number(part.dataset.refresh)));
  const again = async () => {
    try {
      if (document.hidden) return;
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const next = page.getElementById(part.id);
        const isBusy = part.contains(document.activeElement) || part.querySelector("details[open]");
        if (!next || isBusy || known.get(part.id) === next.innerHTML) continue;
        known.set(part.id, next.innerHTML);
        part.replaceChildren(...next.childNodes);
        localise(part);
      }
    } catch {
      // The server is away, or nobody is signed in any more: what is shown stays until the next click.
    } finally {
      setTimeout(again, seconds * 1000);
    }
  };
  for (const part of parts()) known.set(part.id, part.innerHTML);
  setTimeout(again, seconds * 1000);
};

// A device's messages as they arrive.
const LINES_MAX = 200;
const follow = (table) => {
  const box = document.getElementById("live");
  const state = document.getElementById("live-state");
  const body = table.tBodies[0];
  let shown = 0;
  let skipped = 0;
  const say = (text) => {
    state.textContent = skipped > 0 ? `${text} ${skipped} more came than can be shown.` : text;
  };
  const source = new EventSource(table.dataset.live);
  source.onopen = () => say(shown ? "Following." : "Following. Nothing came yet: what the device sends appears here.");
  source.onerror = () => say("Not connected; trying again.");
  source.addEventListener("skipped", (event) => {
    skipped += Number(event.data);
  });
  source.addEventListener("over", () => {
    source.close();
    say("You are not signed in any more.");
  });
  source.onmessage = (event) => {
    const line = JSON.parse(event.data);
    const row = body.insertRow(0);
    row.className = "fresh";
    const at = document.createElement("time");
    at.dateTime = line.at;
    at.textContent = line.at;
    row.insertCell().append(at);
    localise(row);
    const message = row.insertCell();
    const code = document.createElement("code");
    code.textContent = line.body;
    message.append(code);
    row.insertCell().textContent = line.properties;
    row.insertCell().textContent = line.source;
    box.hidden = false;
    shown += 1;
    while (body.rows.length > LINES_MAX) body.deleteRow(-1);
    say("Following.");
  };
  addEventListener("pagehide", () => source.close());
};

// A button that copies what is beside it.
const copy = () => {
  if (!navigator.clipboard) return;
  for (const secret of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.textContent = "copy";
    button.setAttribute("aria-label", `copy ${secret.dataset.copy}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(secret.textContent);
      button.textContent = "copied";
      setTimeout(() => (button.textContent = "copy"), 2000);
    });
    secret.after(" ", button);
  }
};

localise(document);
refresh();
copy();
for (const table of document.querySelectorAll("table[data-live]")) follow(table);
