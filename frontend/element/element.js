// <task-progress>: the progress of one task of a Taskdeck server, on any page.
//
//   <script type="module" src="https://deck.example/embed/task-progress.js"></script>
//   <task-progress task="0198.." token="embed1..."></task-progress>
//
// The build puts the addresses of the glue and the WASM, and the style, in place of what stands between %.

// Where the deck is: this file is its /embed/task-progress.js.
const deck = new URL("..", import.meta.url).href.replace(/\/$/, "");
// Not a <style>: a page's content policy may forbid those.
const style = new CSSStyleSheet();
style.replaceSync(%STYLE%);

// The glue and the WASM, once for all widgets of the page; asked for anew when they could not be had.
let loading;
function load() {
  loading ??= (async () => {
    const wasm = fetch(new URL("%WASM%", import.meta.url));
    // What goes wrong with it is told by init.
    wasm.catch(() => {});
    const glue = await import("%GLUE%");
    await glue.default({ module_or_path: wasm });
    return glue;
  })().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}
const AGAIN_MS = [5_000, 15_000, 60_000];

// JSON, with whole numbers that JavaScript cannot hold exactly as texts of their digits. What stands in a text stays as it is.
function parse(json) {
  const exact = (part) => (/^-?\d+$/.test(part) && !Number.isSafeInteger(+part) ? `"${part}"` : part);
  return JSON.parse(json.replace(/"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*/g, exact));
}

function node(tag, part, parent) {
  const made = document.createElement(tag);
  made.className = part;
  made.part = part;
  parent.append(made);
  return made;
}

class TaskProgress extends HTMLElement {
  static observedAttributes = ["task", "src", "token", "state", "new", "show-if", "hide-if"];
  #root = this.attachShadow({ mode: "open" });
  #widget;
  #waiting = false;
  #changed = new Set();
  #kept;
  #failures = 0;
  #asking = [];

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [style];
    // All that is ever shown has its place from the first moment on, also before the WASM is here.
    const card = node("section", "card", this.#root);
    const head = node("div", "head", card);
    node("div", "label", head).textContent = "Loading";
    node("span", "badge", head);
    node("progress", "bar", card).max = 1;
    const facts = node("div", "facts", card);
    node("span", "percent", facts);
    node("span", "more", facts);
    node("p", "message", card);
    node("p", "note", card);
    node("p", "said", card).ariaLive = "polite";
  }

  connectedCallback() {
    if (!this.#widget) this.#begin();
  }

  disconnectedCallback() {
    // One that is only moved is back by then, and goes on.
    queueMicrotask(() => {
      if (!this.isConnected) this.#end();
    });
  }

  // Attributes are often set one after the other: once for all of them.
  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected) return;
    if (this.#changed.size === 0) queueMicrotask(() => this.#take());
    this.#changed.add(name);
  }

  #take() {
    const changed = [...this.#changed];
    this.#changed.clear();
    if (changed.some((name) => ["task", "src", "state", "new"].includes(name))) this.#begin();
    // A page that brings another token need not lose what is open.
    else if (changed.includes("token") && this.getAttribute("token")) this.#widget?.set_token(this.getAttribute("token"));
    this.#widget?.show();
  }

  async #begin() {
    if (this.#waiting) return;
    this.#waiting = true;
    try {
      const { Widget } = await load();
      this.#keep();
      const before = this.#widget;
      const { token, state } = this.#known();
      const tell = (name, detail) => this.#tell(name, parse(detail));
      this.#widget = this.isConnected ? new Widget(this, this.#root, deck, token, state, tell) : undefined;
      before?.free();
    } catch (error) {
      this.#broken(error);
    } finally {
      this.#waiting = false;
    }
  }

  #end() {
    this.#keep();
    this.#widget?.free();
    this.#widget = undefined;
  }

  // What outlives a widget of this element: the token as it was renewed, and how much was told of the task.
  #keep() {
    if (!this.#widget) return;
    const [src, task, attribute] = [this.#widget.src(), this.#widget.task(), this.#widget.given()];
    this.#kept = { src, task, attribute, token: this.#widget.token(), state: this.#widget.told() };
  }

  #known() {
    const kept = this.#kept;
    const src = (this.getAttribute("src") || deck).replace(/\/+$/, "");
    if (!kept || kept.src !== src || kept.task !== this.getAttribute("task")) return {};
    const same = kept.attribute === (this.getAttribute("token") || undefined);
    return { token: same ? kept.token : undefined, state: kept.state };
  }

  // The WASM could not be had: the page's content policy, or the server is away.
  #broken(error) {
    const text = (part, text) => (this.#root.querySelector(`.${part}`).textContent = text);
    text("label", "Not loaded");
    text("note", "This widget could not be loaded.");
    this.#root.querySelector("progress").value = 0;
    this.#send("load_error", { reason: String(error) });
    const wait = AGAIN_MS[this.#failures++];
    if (wait) setTimeout(() => this.isConnected && !this.#widget && this.#begin(), wait);
  }

  // They do not bubble: a page that listens for `error` of its own would hear it.
  #send(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  // An event is told, after a question where the page wants one: confirm='{"completed": {"text": "Open it?"}}'.
  #tell(name, detail) {
    let confirm;
    try {
      confirm = JSON.parse(this.getAttribute("confirm") || "{}")[name];
    } catch {
      // What is no JSON asks nothing.
    }
    if (!confirm) return this.#send(name, detail);
    this.#asking.push({ confirm, name, detail });
    if (this.#asking.length === 1) this.#ask();
  }

  #ask() {
    const first = this.#asking[0];
    if (!first) return;
    const { text, confirm_text = "OK", cancel_text = "Cancel" } = first.confirm;
    // Read out, and focused only where that takes the keyboard from nobody.
    const said = node("div", "asking", this.#root);
    said.ariaLive = "assertive";
    const ask = node("div", "ask", said);
    ask.role = "alertdialog";
    ask.ariaLabel = text;
    node("p", "question", ask).textContent = text;
    const answer = (yes) => {
      said.remove();
      this.#asking.shift();
      if (yes) this.#send(first.name, first.detail);
      this.#ask();
    };
    for (const [label, yes] of [[confirm_text, true], [cancel_text, false]]) {
      const button = node("button", "answer", ask);
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", () => answer(yes));
    }
    ask.addEventListener("keydown", (event) => event.key === "Escape" && answer(false));
    if (document.activeElement === document.body) ask.querySelector("button").focus();
  }
}

if (!customElements.get("task-progress")) customElements.define("task-progress", TaskProgress);
