/** Looks of the page of `renderHtml`, in light and in dark. */
export const HTML_STYLE = `:root { --back: #fff; --text: #1b1f24; --dim: #6a737d; --line: #d8dee4; --mark: #fff3bf; --name: #0b5cad; --good: #176f2c;
  --number: #9a5b00; --null: #8250df; --bad: #c4162a; --badback: #ffe3e6 }
@media (prefers-color-scheme: dark) { :root { --back: #16191d; --text: #dfe3e8; --dim: #8b949e; --line: #30363d; --mark: #4a4213;
  --name: #79b8ff; --good: #7ee787; --number: #f0b35b; --null: #d2a8ff; --bad: #ff8087; --badback: #4c1a20 } }
body { background: var(--back); color: var(--text); font: 14px/1.5 system-ui, sans-serif; margin: 1.5rem 1.5rem 8rem }
h1 { font-size: 1.3rem } h2 { font-size: 1.05rem; margin: 2rem 0 0; border-top: 1px solid var(--line); padding-top: 1rem }
.note { color: var(--dim); font-weight: normal } p.note { margin: 0.2rem 0 0.8rem }
.problem { color: var(--bad); background: var(--badback); padding: 0.5rem 0.8rem; border-radius: 4px; max-width: 70rem }
.split { display: grid; grid-template-columns: max-content 1fr; gap: 2rem; align-items: start }
.bytes, .tree { font: 13px/1.6 ui-monospace, Menlo, Consolas, monospace }
.bytes { position: sticky; top: 0; max-height: 100vh; overflow-y: auto }
.hex u { text-decoration: none; padding: 0 0.3em; border-radius: 3px; cursor: default }
.hex i { display: inline-block; min-width: 3.5em; padding-right: 1em; text-align: right; color: var(--dim); font-style: normal; user-select: none }
.wrong { outline: 2px solid var(--bad); color: var(--bad) }
.in { margin-left: 1.3rem; border-left: 1px solid var(--line); padding-left: 0.6rem }
.line { display: block; padding: 0 0.3em; border-radius: 3px; overflow-wrap: anywhere } .line b { color: var(--name); font-weight: 600 }
.text { color: var(--good) } .number { color: var(--number) } .null { color: var(--null) }
u.on, .line.on { background: var(--mark) }
#told { position: fixed; inset: auto 0 0 0; margin: 0; background: var(--back); border-top: 1px solid var(--line); padding: 0.6rem 1.5rem;
  min-height: 3.2rem; white-space: pre-line }
@media (max-width: 60rem) { .split { grid-template-columns: 1fr } .bytes { position: static; max-height: none } }`

/** Links bytes and fields: what is pointed at, or tapped, marks its counterpart. */
export const HTML_SCRIPT = `'use strict'
const told = document.body.appendChild(document.createElement('p'))
told.id = 'told'
told.textContent = 'Point at a byte or a field.'
const cells = new Map()
for (const cell of document.querySelectorAll('[data-b]')) {
  const known = cells.get(cell.dataset.b)
  if (known) known.push(cell)
  else cells.set(cell.dataset.b, [cell])
}
let marked = []
function show(node, scrolls) {
  for (const each of marked) each.classList.remove('on')
  const nodes = [node, ...node.querySelectorAll('[data-n]')]
  marked = [node.firstElementChild, ...nodes.flatMap((each) => cells.get(each.dataset.n) ?? [])]
  for (const each of marked) each.classList.add('on')
  told.textContent = node.dataset.d
  const first = scrolls === 'field' ? node.firstElementChild : marked[1]
  if (first) first.scrollIntoView({ block: 'nearest' })
}
function point(event) {
  const cell = event.target.closest('[data-b]')
  if (cell) return show(document.querySelector('[data-n="' + cell.dataset.b + '"]'), 'field')
  const node = event.target.closest('.line')
  if (node) show(node.parentElement, 'bytes')
}
document.addEventListener('mouseover', point)
document.addEventListener('click', point)`
