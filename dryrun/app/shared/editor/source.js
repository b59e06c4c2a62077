// <dryrun-code>: CodeMirror 6 as an element. Built into codemirror.js by `npm install && npm run build`.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands"
import { json } from "@codemirror/lang-json"
import { python } from "@codemirror/lang-python"
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language"
import { lintGutter, setDiagnostics } from "@codemirror/lint"
import { Compartment, EditorState } from "@codemirror/state"
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view"
import { classHighlighter } from "@lezer/highlight"

const LANGUAGES = { json, python }
const PAUSE = 700 // milliseconds without a key before the text is handed on

class Code extends HTMLElement {
  show({ text, revision, language, label, problems }, changed) {
    this.changed = changed
    if (!this.view) this.build(text)
    if (this.language !== language || this.label !== label) {
      this.language = language
      this.label = label
      const said = { "aria-label": label, "aria-multiline": "true", tabindex: "0" }
      const attributes = EditorView.contentAttributes.of(said)
      this.view.dispatch({ effects: this.kind.reconfigure([LANGUAGES[language](), attributes]) })
    }
    // A text that the page set replaces the document; an echo of what was typed never does.
    if (this.revision !== revision) {
      this.revision = revision
      this.sent = text
      const all = { from: 0, to: this.view.state.doc.length, insert: text }
      if (this.view.state.doc.toString() !== text) this.view.dispatch({ changes: all })
    }
    this.view.dispatch(setDiagnostics(this.view.state, problems.map((one) => this.located(one))))
  }

  build(text) {
    this.kind = new Compartment()
    this.sent = text
    const hand = { key: "Mod-Enter", run: () => this.hand() }
    const extensions = [
      lineNumbers(), lintGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(),
      indentUnit.of("    "), EditorView.lineWrapping, syntaxHighlighting(classHighlighter),
      keymap.of([hand, ...defaultKeymap, ...historyKeymap]), this.kind.of([]),
      EditorView.updateListener.of((update) => update.docChanged && this.wait()),
      EditorView.domEventHandlers({ blur: () => void this.hand() }),
    ]
    const state = EditorState.create({ doc: text, extensions })
    this.view = new EditorView({ state, parent: this, root: this.getRootNode() })
  }

  located({ line, message }) {
    const doc = this.view.state.doc
    const { from, to } = doc.line(Math.min(Math.max(line, 1), doc.lines))
    return { from, to, severity: "error", message }
  }

  wait() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.hand(), PAUSE)
  }

  hand() {
    clearTimeout(this.timer)
    const text = this.view.state.doc.toString()
    if (text !== this.sent) {
      this.sent = text
      this.changed(text)
    }
    return true
  }
}

if (!customElements.get("dryrun-code")) customElements.define("dryrun-code", Code)

export default function () {}
