"use strict";
/* The console's part in the browser: shows what the farm's functions draw, and runs the actions of its buttons. */
(() => {
  const JOBS_MILLISECONDS = 1500;
  const GRAPHS_MILLISECONDS = 5000;
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  /* Theme: the computer's, until a person chooses one. Set before the first paint. */
  function chosenTheme() {
    try {
      const chosen = localStorage.getItem("theme");
      return chosen === "light" || chosen === "dark" ? chosen : "auto";
    } catch {
      return "auto";
    }
  }
  function theme() {
    const chosen = chosenTheme();
    return chosen === "auto" ? (prefersDark.matches ? "dark" : "light") : chosen;
  }
  function showTheme() {
    root.dataset.theme = theme();
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosenTheme()));
    }
  }
  showTheme();

  /* HTML from the farm's functions, cleaned as the console cleans it: nothing that could run or load a program. */
  const REMOVED = "script,iframe,object,embed,link,meta,base,form,use";
  function parse(html) {
    const body = new DOMParser().parseFromString(html, "text/html").body;
    for (const element of body.querySelectorAll(REMOVED)) element.remove();
    for (const element of body.querySelectorAll("*")) {
      for (const { name, value } of [...element.attributes]) {
        const address = /^(href|src|xlink:href|action|formaction|srcdoc)$/i.test(name) && element.localName !== "cwdb-action";
        if (/^on/i.test(name) || (address && !/^(data:image\/|https:|#)/i.test(value))) element.removeAttribute(name);
      }
    }
    return body;
  }

  /* Make one tree like another and touch only what differs: pictures do not flicker, the focus stays. */
  const keyOf = (node) => (node.dataset ? node.dataset.job : undefined);
  function liken(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    likenChildren(old, fresh);
  }
  function likenChildren(old, fresh) {
    const known = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
    let place = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const key = keyOf(next);
      const match = key ? known.get(key) : place && !keyOf(place) ? place : undefined;
      if (!match) {
        old.insertBefore(next, place);
        continue;
      }
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      liken(match, next);
    }
    while (place) {
      const after = place.nextSibling;
      place.remove();
      place = after;
    }
  }

  function start() {
    const jobs = document.getElementById("jobs");
    const graphs = document.getElementById("graphs");
    const live = document.getElementById("live");
    const dialog = document.getElementById("dialog");
    const said = document.getElementById("dialog-said");
    const [no, yes] = [document.getElementById("dialog-no"), document.getElementById("dialog-yes")];
    const token = document.querySelector("meta[name=farm-token]").content;
    let minutes = 15;

    function show(state, words, why = "") {
      live.dataset.state = state;
      live.title = why;
      live.lastElementChild.textContent = words;
    }
    async function ask(url, options = {}) {
      const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(30000) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      return text;
    }

    /* Ask again and again, at once when something has changed, and not while nobody looks. */
    function keepAsking(milliseconds, show) {
      let timer;
      let running = false;
      let again = false;
      async function now() {
        if (running) {
          again = true;
          return;
        }
        clearTimeout(timer);
        running = true;
        do {
          again = false;
          if (!document.hidden) await show();
        } while (again);
        running = false;
        timer = setTimeout(now, milliseconds);
      }
      now();
      return now;
    }
    const askJobs = keepAsking(JOBS_MILLISECONDS, async () => {
      try {
        likenChildren(jobs, parse(await ask(`/jobs?theme=${theme()}&width=${Math.round(jobs.clientWidth)}`)));
        jobs.removeAttribute("aria-busy");
        show("live", "Live");
      } catch (error) {
        show("lost", "The farm does not answer", String(error.message));
      }
    });
    const askGraphs = keepAsking(GRAPHS_MILLISECONDS, async () => {
      const gap = 12;
      const columns = Math.max(1, Math.floor((graphs.clientWidth + gap) / (420 + gap)));
      const width = Math.round((graphs.clientWidth - (columns - 1) * gap) / columns) - 30;
      try {
        likenChildren(graphs, parse(await ask(`/graphs?width=${width}&minutes=${minutes}`)));
      } catch {
        /* that the farm does not answer is said beside the title */
      }
    });

    /* A question in a dialog: true for yes. Without a label for no there is nothing to choose. */
    function tell(content, yesLabel, noLabel) {
      if (dialog.open) dialog.close();
      said.replaceChildren(...content);
      yes.textContent = yesLabel;
      no.hidden = !noLabel;
      no.textContent = noLabel ?? "";
      dialog.returnValue = "";
      dialog.showModal();
      return new Promise((resolve) => {
        dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
      });
    }
    yes.addEventListener("click", () => dialog.close("yes"));
    no.addEventListener("click", () => dialog.close("no"));

    /* A cwdb-action tells what the element before it does. */
    function actionAt(node) {
      for (let at = node; at && at !== jobs; at = at.parentElement) {
        const next = at.nextElementSibling;
        if (next && next.localName === "cwdb-action" && (next.getAttribute("event") ?? "click") === "click") return next;
      }
      return null;
    }
    async function run(action) {
      const name = action.previousElementSibling.textContent.trim();
      const question = action.getAttribute("confirmation");
      const popup = action.getAttribute("display") === "popup";
      const call = action.getAttribute("action") === "call";
      const endpoint = action.getAttribute("endpoint");
      const content = call ? action.textContent : action.innerHTML;
      if (question && !(await tell([document.createTextNode(question)], name, "Not now"))) return;
      let answer = content;
      if (call) {
        try {
          const body = JSON.stringify({ endpoint, params: JSON.parse(content || "{}"), theme: theme() });
          const headers = { "content-type": "application/json", "x-farm-token": token };
          answer = await ask("/act", { method: "POST", headers, body });
        } catch (error) {
          await tell([document.createTextNode(String(error.message))], "Close");
          return;
        }
        askJobs();
      }
      const nodes = [...parse(answer).childNodes];
      if (popup) await tell(nodes, "Close");
      else jobs.replaceChildren(...nodes);
    }
    function press(event) {
      const action = actionAt(event.target);
      if (!action) return;
      event.preventDefault();
      run(action);
    }
    jobs.addEventListener("click", press);
    jobs.addEventListener("keydown", (event) => {
      if (event.target.getAttribute("role") === "button" && (event.key === "Enter" || event.key === " ")) press(event);
    });

    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.addEventListener("click", () => {
        try {
          localStorage.setItem("theme", button.dataset.themeChoice);
        } catch {
          /* then it is forgotten with the page */
        }
        showTheme();
        askJobs();
      });
    }
    const ranges = document.querySelectorAll("[data-minutes]");
    for (const button of ranges) {
      button.addEventListener("click", () => {
        minutes = Number(button.dataset.minutes);
        for (const other of ranges) other.setAttribute("aria-pressed", String(other === button));
        askGraphs();
      });
    }
    prefersDark.addEventListener("change", () => {
      showTheme();
      askJobs();
    });
    let resized;
    addEventListener("resize", () => {
      clearTimeout(resized);
      resized = setTimeout(() => {
        askJobs();
        askGraphs();
      }, 150);
    });
    document.addEventListener("visibilitychange", () => {
      askJobs();
      askGraphs();
    });
    showTheme();
  }
  addEventListener("DOMContentLoaded", start);
})();
