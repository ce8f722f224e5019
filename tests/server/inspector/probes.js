/** What the tests look up on the inspector page; each a function of one argument. */
({
  /** Count the seconds of sound that are played from now on. */
  count() {
    window.played = 0;
    const { start } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function counting(at) {
      window.played += this.buffer.duration;
      return start.call(this, at);
    };
  },

  /** Whether something is drawn on both canvases of the open edge. */
  lit() {
    return [...document.querySelectorAll("#side canvas")].every((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, i) => i % 4 === 3 && value > 200);
    });
  },

  /** Type `after` into the agent's line: in the place of `before`, or in front of its key. */
  async replace([before, after]) {
    const { EditorView } = await import(new URL("web/vendor/codemirror.js", document.baseURI));
    const view = EditorView.findFromDOM(document.querySelector(".code").shadowRoot.querySelector(".cm-editor"));
    const { doc } = view.state;
    const line = Array.from({ length: doc.lines }, (_, i) => doc.line(i + 1)).find(({ text }) => text.startsWith("  agent:"));
    const at = line.text.indexOf(before);
    const from = line.from + (at >= 0 ? at : line.text.indexOf("api_key"));
    view.dispatch({ changes: { from, to: from + (at >= 0 ? before.length : 0), insert: at >= 0 ? after : `${after}, ` } });
  },

  /** Put the cursor behind `text` in the editor. */
  async cursor(text) {
    const { EditorView } = await import(new URL("web/vendor/codemirror.js", document.baseURI));
    const view = EditorView.findFromDOM(document.querySelector(".code").shadowRoot.querySelector(".cm-editor"));
    view.dispatch({ selection: { anchor: view.state.doc.toString().indexOf(text) + text.length } });
    view.focus();
  },

  /** Whether all nodes are in sight, none over another; and how tall their names are, px. */
  boxes() {
    const room = document.querySelector("#graph").getBoundingClientRect();
    const boxes = [...document.querySelectorAll(".node .body")].map((box) => box.getBoundingClientRect());
    const within = (box) => box.left >= room.left && box.right <= room.right && box.top >= room.top && box.bottom <= room.bottom;
    const clear = (a, b) => a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top;
    return {
      inside: boxes.every(within),
      apart: boxes.every((a, i) => boxes.every((b, j) => i === j || clear(a, b))),
      name: document.querySelector(".node .name").getBoundingClientRect().height,
    };
  },

  /** Contrast of every text colour on every ground (WCAG). */
  contrast() {
    const style = getComputedStyle(document.documentElement);
    const tone = (name) => {
      const context = document.createElement("canvas").getContext("2d");
      context.fillStyle = style.getPropertyValue(`--${name}`);
      context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const ratio = (a, b) => {
      const [more, less] = [light(tone(a)), light(tone(b))].sort((x, y) => y - x);
      return (more + 0.05) / (less + 0.05);
    };
    const texts = ["ink", "ink-soft", "brand", "good", "danger"];
    return texts.flatMap((name) => ["panel", "paper", "field"].map((ground) => [`${name} on ${ground}`, ratio(name, ground)]));
  },
})
