/** CodeMirror set up for pipeline files, in a shadow root: there its style sheets need no exception from the page's policy. */

import * as cm from "../../vendor/codemirror.js";

const colours = cm.HighlightStyle.define([
  { tag: cm.tags.definition(cm.tags.propertyName), color: "var(--brand)" },
  { tag: cm.tags.propertyName, color: "var(--brand)" },
  { tag: [cm.tags.string, cm.tags.special(cm.tags.string)], color: "var(--good)" },
  { tag: [cm.tags.number, cm.tags.bool, cm.tags.null], color: "var(--warm-line)" },
  { tag: cm.tags.comment, color: "var(--ink-soft)", fontStyle: "italic" },
  { tag: [cm.tags.punctuation, cm.tags.separator, cm.tags.brace], color: "var(--ink-soft)" },
]);

const look = cm.EditorView.theme({
  "&": { height: "100%", fontSize: "12.5px", color: "var(--ink)", backgroundColor: "var(--field)" },
  "&.cm-focused": { outline: "2px solid var(--brand)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "ui-monospace, 'DejaVu Sans Mono', monospace", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--ink-soft)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--brand) 8%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--brand) 28%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--panel)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "6px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--brand)", color: "var(--brand-ink)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--danger)" },
  ".cm-completionInfo": { maxWidth: "26rem" },
  ".cm-panels": { backgroundColor: "var(--panel)", color: "var(--ink)" },
});

export class CodeBox {
  /** `host`: an element; `changed(text)` after every edit; `complete`: a completion source. */
  constructor(host, { changed, complete, label }) {
    const root = host.attachShadow({ mode: "open" });
    const frame = document.createElement("div");
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(":host > div { height: 100%; } .cm-editor { height: 100%; }");
    root.adoptedStyleSheets = [sheet];
    root.append(frame);
    this.view = new cm.EditorView({ parent: frame, root, state: this.#state(changed, complete, label) });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  set text(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  /** Show problems ({line, column, message}, from 1) at their places. */
  mark(problems) {
    const { doc } = this.view.state;
    const diagnostics = problems.map(({ line, column, message }) => {
      const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
      const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
      const word = at.text.slice(from - at.from).match(/^[\w.]+/)?.[0].length ?? 0;
      return { from, to: word ? from + word : at.to, severity: "error", message };
    });
    this.view.dispatch(cm.setDiagnostics(this.view.state, diagnostics));
  }

  goto(line, column) {
    const at = this.view.state.doc.line(Math.min(Math.max(line, 1), this.view.state.doc.lines));
    const anchor = Math.min(at.from + Math.max(column - 1, 0), at.to);
    this.view.dispatch({ selection: { anchor }, effects: cm.EditorView.scrollIntoView(anchor, { y: "center" }) });
    this.view.focus();
  }

  #state(changed, complete, label) {
    return cm.EditorState.create({
      doc: "",
      extensions: [
        cm.lineNumbers(), cm.highlightActiveLineGutter(), cm.highlightSpecialChars(), cm.history(), cm.drawSelection(),
        cm.indentUnit.of("  "), cm.indentOnInput(), cm.bracketMatching(), cm.closeBrackets(), cm.highlightActiveLine(),
        cm.highlightSelectionMatches(), cm.foldGutter(), cm.lintGutter(), cm.yaml(), cm.syntaxHighlighting(colours), look,
        cm.autocompletion({ override: [complete], icons: false }), cm.EditorView.contentAttributes.of({ "aria-label": label }),
        cm.EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
        cm.keymap.of([
          ...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.lintKeymap, ...cm.searchKeymap, ...cm.foldKeymap,
          ...cm.historyKeymap, ...cm.defaultKeymap,
        ]),
      ],
    });
  }
}
