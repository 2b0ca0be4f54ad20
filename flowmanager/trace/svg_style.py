"""The looks of pictures: one set of colours for light pages, one for dark ones."""

from __future__ import annotations

STYLE = """
text{font-family:ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;fill:#1f2933}
.page{fill:#ffffff;stroke:#d5dbe3}.page-fill{fill:#ffffff}
.h1{font-size:17px;font-weight:650}.h2{font-size:12px;fill:#52606d}.h3{font-size:12.5px}
.box{fill:#f7f9fb;stroke:#c3ccd7;stroke-width:1.2}
.type{font-size:13px;font-weight:600}.text{font-size:11.5px;fill:#52606d}
.unseen .type{fill:#7b8794;font-weight:500}.unseen .text{fill:#9aa5b1}
.seen .box{fill:#e6f4ee;stroke:#2f9e6e;stroke-width:1.6}
.failed .box{fill:#fdeaea;stroke:#d64545;stroke-width:1.8}
.skipped .box{fill:#f3f4f6;stroke:#8896a6;stroke-dasharray:4 3}
.late .box{fill:#fff4e0;stroke:#d9822b;stroke-width:1.8}
.here .box{fill:#fff7d6;stroke:#e0a100;stroke-width:3}
.here .type{fill:#7a5200}
.number{fill:#2f9e6e}.failed .number{fill:#d64545}.late .number{fill:#d9822b}.skipped .number{fill:#8896a6}
.here .number{fill:#c98a00}
.digits{font-size:10.5px;font-weight:650;fill:#ffffff}
.group{fill:#8896a6;fill-opacity:.07;stroke:#a7b2bf;stroke-dasharray:6 4;stroke-width:1.2}
.seen-group{fill:#2f9e6e;fill-opacity:.06;stroke:#2f9e6e}
.group-title{font-size:11.5px;font-weight:600;fill:#52606d}
.pill{fill:#52606d}.pill-text{font-size:11.5px;font-weight:600;fill:#ffffff}
.line{fill:none;stroke:#b4bfcb;stroke-width:1.4}.taken{stroke:#2f9e6e;stroke-width:2.6}
.tip{fill:#b4bfcb}.tip-taken{fill:#2f9e6e}
.label{font-size:11px;fill:#52606d}
.label-taken{fill:#1d7a52;font-weight:650}
@media (prefers-color-scheme:dark){
text{fill:#e4e9ef}.page{fill:#12181f;stroke:#2b3642}.page-fill{fill:#12181f}.h2{fill:#9aa8b7}
.box{fill:#1b232c;stroke:#3b4754}.text{fill:#a9b6c4}
.unseen .type{fill:#8593a2}.unseen .text{fill:#6c7a89}
.seen .box{fill:#13322a;stroke:#3fbf8a}.failed .box{fill:#3b1a1c;stroke:#f06a6a}
.skipped .box{fill:#1d242c;stroke:#6c7a89}.late .box{fill:#3a2a12;stroke:#f0a04b}
.here .box{fill:#3a3010;stroke:#ffc83d}.here .type{fill:#ffe08a}
.number{fill:#248f64}.here .number{fill:#a87400}.group-title{fill:#a9b6c4}.group{stroke:#55636f}
.seen-group{stroke:#3fbf8a}.pill{fill:#6c7a89}.line{stroke:#4d5a68}.taken{stroke:#3fbf8a}
.tip{fill:#4d5a68}.tip-taken{fill:#3fbf8a}.label{fill:#a9b6c4}.label-taken{fill:#6fe0b2}
}
""".strip()
