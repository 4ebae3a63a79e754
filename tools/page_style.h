/* SPDX-License-Identifier: MIT
 *
 * How a page of vatten_bench looks. Colours of plots can be told apart by everybody (Okabe and Ito), in light and dark.
 */
#ifndef TOOLS_PAGE_STYLE_H
#define TOOLS_PAGE_STYLE_H

static const char page_style[] =
    ":root{color-scheme:light "
    "dark;--paper:#fff;--ink:#202020;--faint:#d8d8d8;--soft:#666;--panel:#f5f5f5;--bad:#b00020;"
    "--c0:#0072b2;--c1:#e69f00;--c2:#cc79a7;--c3:#009e73;--c4:#d55e00;--c5:#56b4e9}\n"
    "@media "
    "(prefers-color-scheme:dark){:root{--paper:#16181b;--ink:#e6e6e6;--faint:#3a3d42;--soft:#a0a0a0;--panel:#"
    "1f2226;"
    "--bad:#ff6b81;--c0:#4da3e0;--c2:#e09cc4;--c3:#2fc79a;--c4:#f0803c}}\n"
    "body{background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,sans-serif;margin:0}\n"
    "main{max-width:1100px;margin:0 auto;padding:16px 20px 60px}\n"
    "h1{font-size:26px;margin:12px 0 0}h2{font-size:20px;margin:40px 0 8px;border-bottom:1px solid "
    "var(--faint)}"
    "h3{font-size:16px;margin:24px 0 6px}p{margin:6px 0}\n"
    "code,pre{font:13px/1.4 ui-monospace,monospace}code{overflow-wrap:anywhere}\n"
    "pre{background:var(--panel);padding:10px;overflow:auto;max-height:24em;white-space:pre-wrap;overflow-"
    "wrap:anywhere}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px}"
    "th,td{padding:3px 9px;border-bottom:1px solid var(--faint);text-align:left;vertical-align:top}"
    "thead th{background:var(--panel);white-space:nowrap}tbody td{white-space:nowrap}"
    ".members th{font-weight:normal;color:var(--soft)}.members td,.prose "
    "td{white-space:normal;overflow-wrap:anywhere}"
    ".prose td:first-child{white-space:nowrap}.columns{columns:2 420px}.columns tr{break-inside:avoid}\n"
    ".number{text-align:right;font-variant-numeric:tabular-nums}.of{color:var(--soft)}.bad "
    "td{color:var(--bad)}"
    ".bad td[colspan]{white-space:normal}\n"
    "figure{margin:18px "
    "0}figcaption{font-weight:bold;margin-bottom:4px}svg{width:100%;height:auto;display:block}"
    "svg text{font:11.5px system-ui,sans-serif}svg .ink{fill:var(--ink)}svg .tick{fill:var(--soft)}"
    "svg .middle{text-anchor:middle}svg .end{text-anchor:end}svg .grid{stroke:var(--faint);stroke-width:1}"
    "svg .limit{stroke:var(--ink);stroke-width:1.3;stroke-dasharray:5 3}svg "
    ".spread{stroke:var(--ink);stroke-width:1.5}"
    "svg .path{fill:none;stroke-width:2}\n"
    "svg .s0{fill:var(--c0)}svg .s1{fill:var(--c1)}svg .s2{fill:var(--c2)}svg .s3{fill:var(--c3)}svg "
    ".s4{fill:var(--c4)}"
    "svg .s5{fill:var(--c5)}svg .p0{stroke:var(--c0)}svg .p1{stroke:var(--c1)}svg .p2{stroke:var(--c2)}"
    "svg .p3{stroke:var(--c3)}svg .p4{stroke:var(--c4)}svg .p5{stroke:var(--c5)}\n"
    "@media print{main{max-width:none}pre{max-height:none}}\n";

#endif /* TOOLS_PAGE_STYLE_H */
