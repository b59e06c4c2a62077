// Puts <dryrun-code> into the page and hands its text to Python, with the revision that it began with.
export default function ({ data, parentElement, setStateValue }) {
  customElements.whenDefined("dryrun-code").then(() => {
    const editor = parentElement.querySelector("dryrun-code")
    if (!editor) return
    customElements.upgrade(editor) // the browser does so only for a page that was not left meanwhile
    editor.show(data, (text) => setStateValue("typed", { text, revision: data.revision }))
  })
}
