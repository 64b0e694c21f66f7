"""The look of report.html: light and dark, desktop and phone, nothing fetched from anywhere."""

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f8;--card:#fff;--ink:#16191d;--soft:#5b636d;--line:#dfe3e7;--head:#f0f2f4;
--raw:#b34d00;--enh:#0069a6;--good:#00704f;--bad:#b3261e;--mid:#5b636d;--goodbg:#e5f4ee;--badbg:#fbe9e7;--midbg:#eceff2}
@media (prefers-color-scheme:dark){:root{--bg:#121518;--card:#1b1f24;--ink:#e8eaed;--soft:#a3acb6;--line:#333a42;
--head:#23282e;--raw:#ff9a52;--enh:#62b8f0;--good:#5fd0a5;--bad:#ff9d94;--mid:#a3acb6;--goodbg:#12332a;--badbg:#431d1a;
--midbg:#272d33}img{filter:brightness(.9)}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",
Roboto,"Noto Sans","PingFang SC","Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Micro Hei",sans-serif;
overflow-wrap:anywhere}
main{max-width:1080px;margin:0 auto;padding:28px 20px 48px}
header p{margin:0;color:var(--soft)}
h1{font-size:1.7rem;line-height:1.25;margin:.1em 0 .2em}
h2{font-size:1.22rem;line-height:1.3;margin:0 0 .35em}
h3{font-size:1rem;margin:1.3em 0 .35em}
p{margin:.35em 0 .8em;max-width:72ch}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:16px 0}
section>:last-child{margin-bottom:0}
.nb{white-space:nowrap}
.verdict{border-left:7px solid var(--mid);background:var(--midbg)}
.verdict h2{font-size:1.5rem;color:var(--mid)}
.verdict.good{border-left-color:var(--good);background:var(--goodbg)}.verdict.good h2{color:var(--good)}
.verdict.bad{border-left-color:var(--bad);background:var(--badbg)}.verdict.bad h2{color:var(--bad)}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(215px,1fr));gap:12px;margin:16px 0}
.key div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.key b{display:block;font-size:1.3rem;line-height:1.35;font-variant-numeric:tabular-nums;margin:.15em 0}
.key b span,.key .nb{display:inline;font-size:inherit}
.key span,small{display:block;color:var(--soft);font-size:.82rem;line-height:1.4;font-weight:400}
.arrow{color:var(--soft);font-weight:400}
small.good,small.bad,.key span.good,.key span.bad{font-weight:600}
small.good{color:var(--good)}small.bad{color:var(--bad)}.key span.good{color:var(--good)}.key span.bad{color:var(--bad)}
dl{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;gap:5px 18px;margin:0}
dt{color:var(--soft)}dd{margin:0}
.scroll{overflow-x:auto;margin:.6em -4px;padding:0 4px;-webkit-overflow-scrolling:touch}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.94rem;overflow-wrap:normal}
caption{text-align:left;color:var(--soft);font-size:.86rem;padding:0 0 .4em}
th,td{padding:7px 10px;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
td{white-space:nowrap}
thead th{background:var(--head);font-weight:600;vertical-align:bottom}
tbody th{font-weight:500;text-align:left}th:first-child{text-align:left}
tbody tr:last-child>*{border-bottom:0}
.raw{color:var(--raw)}.enh{color:var(--enh)}
.notes{font-size:.84rem;color:var(--soft);margin:.5em 0 0;padding:0;list-style:none}
sup{font-size:.7em;line-height:0}sup a{color:inherit}
.figures{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:14px;margin:.8em 0 0}
.figures.one{grid-template-columns:minmax(0,540px)}
img{display:block;width:100%;height:auto;background:#fff;border:1px solid var(--line);border-radius:8px}
figure{margin:0;padding:10px 10px 8px;border:1px solid var(--line);border-radius:8px}
figcaption b{font-size:.95rem}
svg{display:block;width:100%;height:auto;margin:.4em 0 0}svg text{font-size:13px;fill:var(--soft)}
svg path{fill:none;stroke:currentColor;stroke-width:2}svg circle{fill:currentColor}
svg .grid{stroke:var(--line);stroke-width:1}svg .mark{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:2 4}
svg .curve.raw{stroke-dasharray:8 5}svg circle.raw{fill:none}
.seen{color:var(--soft)}.third{color:#009e73}.fourth{color:#cc79a7}.fifth{color:#d39200}.sixth{color:#56a0d8}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;margin:.3em 0 0;font-size:.82rem;line-height:1.4;color:var(--soft)}
.legend i{display:inline-block;width:1.5em;margin-right:.4em;vertical-align:.28em;border-top:3px solid currentColor}
.legend .raw{border-top-style:dashed}
details{margin:.7em 0 0}summary{cursor:pointer;color:var(--enh);padding:5px 0}
footer{color:var(--soft);font-size:.84rem;margin-top:22px}
@media (max-width:640px){main{padding:18px 12px 32px}section{padding:16px 14px}
.figures,.figures.one{grid-template-columns:1fr}
h1{font-size:1.4rem}table{font-size:.87rem}th,td{padding:6px 7px}dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 8px}
table.wide,.wide thead,.wide tbody{display:block}
.wide tr{display:grid;grid-template-columns:repeat(var(--cells),minmax(0,1fr))}
.wide tbody tr{border-bottom:1px solid var(--line);padding:4px 0}
.wide thead th:first-child{display:none}.wide caption{display:block}
.wide tbody th{grid-column:1/-1;border-bottom:0;padding-bottom:0}.wide td{border-bottom:0;white-space:normal}
.wide td,.wide thead th{padding-left:3px;padding-right:3px}.wide tbody th{padding-left:3px}
.wide thead th:nth-child(2),.wide td:nth-child(2){text-align:left}
.key{grid-template-columns:1fr 1fr;gap:8px}.key div{padding:11px 12px}.key b{font-size:1.06rem}}
@media print{body{background:#fff}section,.key div{break-inside:avoid}}
"""
