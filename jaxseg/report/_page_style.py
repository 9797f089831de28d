"""The page's style sheet: light and dark, phone and desk, no font loaded."""

CSS = """\
:root {
  color-scheme: light dark; --page: #ffffff; --ink: #1d2125; --quiet: #5c636b;
  --line: #d9dde1; --soft: #f4f6f8; --link: #0058a3; --warn: #fff3d6;
  --warn-ink: #4d3800; --warn-line: #d99a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181b; --ink: #e6e8ea; --quiet: #a0a8b0; --line: #363c42;
    --soft: #1f2429; --link: #7cc0ff; --warn: #3a2d0a; --warn-ink: #ffe7ab;
    --warn-line: #b98a1d;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 70rem;
  background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial,
    sans-serif;
  overflow-wrap: break-word;
}
h1 {
  font-size: clamp(1.5rem, 5vw, 2.1rem); line-height: 1.2;
  margin: .2rem 0 1rem;
}
h2 { font-size: 1.3rem; line-height: 1.3; margin: 0 0 .6rem; }
p { max-width: 44rem; margin: 0 0 .9rem; }
a { color: var(--link); }
.cohort { margin: 0; font-size: 1.1rem; color: var(--quiet); }
.cohort strong { color: var(--ink); }
.banner {
  max-width: none; padding: .7rem 1rem;
  border-left: .3rem solid var(--warn-line); background: var(--warn);
  color: var(--warn-ink);
}
.missing { padding: .7rem 1rem; border: 1px dashed var(--warn-line); }
.facts {
  display: grid; gap: .75rem; margin: 1.2rem 0 0;
  grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr));
}
.facts div {
  padding: .7rem .9rem; background: var(--soft); border-radius: .4rem;
}
.facts dt { color: var(--quiet); font-size: .9rem; line-height: 1.35; }
.facts dd {
  margin: .15rem 0 0; font-size: 1.5rem; line-height: 1.2; font-weight: 600;
}
nav { margin: 1.4rem 0 0; }
nav ul {
  display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin: 0; padding: 0;
  list-style: none;
}
section, footer {
  margin-top: 2.2rem; padding-top: 1.6rem; border-top: 1px solid var(--line);
}
figure { margin: 1rem 0; }
.card {
  overflow-x: auto; padding: .6rem; border: 1px solid var(--line);
  border-radius: .4rem; background: #ffffff;
}
.card img {
  display: block; width: 100%; min-width: 42rem; max-width: none; height: auto;
  margin: 0 auto;
}
figcaption, .files { color: var(--quiet); font-size: .9rem; margin: .4rem 0 0; }
.scroll {
  max-height: 34rem; overflow: auto; margin: 1rem 0 .5rem;
  border: 1px solid var(--line); border-radius: .4rem;
}
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table {
  border-collapse: separate; border-spacing: 0; width: 100%; font-size: .92rem;
}
caption { padding: .6rem .75rem; text-align: left; color: var(--quiet); }
th, td {
  padding: .4rem .75rem; text-align: left; white-space: nowrap;
  border-top: 1px solid var(--line);
}
thead th { position: sticky; top: 0; background: var(--soft); z-index: 1; }
tbody td:first-child, thead th:first-child {
  position: sticky; left: 0; background: var(--page);
}
thead th:first-child { background: var(--soft); z-index: 2; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
footer dl { margin: 0; }
footer div {
  display: grid; grid-template-columns: 11rem 1fr; gap: .2rem 1rem;
  padding: .15rem 0;
}
footer dt { color: var(--quiet); }
footer dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
code span { display: inline-block; max-width: 100%; }
code {
  font: .92em/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
@media (max-width: 40rem) {
  footer div { grid-template-columns: 1fr; padding: .3rem 0; }
  .card img { width: 54rem; }
  td:first-child { min-width: 7rem; max-width: 45vw; white-space: normal; }
}
@media print {
  .scroll { max-height: none; overflow: visible; }
  nav { display: none; }
}
"""
