// <task-progress>: the progress of one task of a Taskdeck server, on any page.
//
//   <script type="module" src="https://deck.example/embed/task-progress.js"></script>
//   <task-progress task="0198.." token="embed1..."></task-progress>
//
// The build puts the addresses of the glue and the WASM, and the style, in place of what stands between %.
import init, { Widget } from "%GLUE%";

const ready = init({ module_or_path: new URL("%WASM%", import.meta.url) });
// Where the deck is: this file is its /embed/task-progress.js.
const deck = new URL("..", import.meta.url).href.replace(/\/$/, "");
// Not a <style>: a page's content policy may forbid those.
const style = new CSSStyleSheet();
style.replaceSync(%STYLE%);

class TaskProgress extends HTMLElement {
  static observedAttributes = ["task", "src", "token", "state"];
  #widget;
  #waiting = false;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [style];
  }

  connectedCallback() {
    this.#begin();
  }

  disconnectedCallback() {
    this.#end();
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.#widget) return;
    // A page that renews the token need not lose what is open.
    if (name === "token" && after) this.#widget.set_token(after);
    else this.#begin();
  }

  // Attributes are often set one after the other: once for all of them.
  async #begin() {
    if (this.#waiting) return;
    this.#waiting = true;
    await ready;
    this.#waiting = false;
    this.#end();
    if (this.isConnected) this.#widget = new Widget(this, this.shadowRoot, deck);
  }

  #end() {
    this.#widget?.free();
    this.#widget = undefined;
  }
}

if (!customElements.get("task-progress")) customElements.define("task-progress", TaskProgress);
