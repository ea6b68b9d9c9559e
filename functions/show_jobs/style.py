"""The widget's style sheet, in the console's two themes. Every rule stays inside the widget."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Final

from functions.show_jobs.request import Theme

ROOT: Final = "farm-jobs"

_COLOURS: Final[Mapping[Theme, Mapping[str, str]]] = {
    Theme.LIGHT: {
        "text": "#1a1d21",
        "muted": "#5a636e",
        "card": "#ffffff",
        "row": "#f6f7f8",
        "line": "#e2e5e9",
        "track": "#e6e9ec",
        "film": "#16181b",
        "accent": "#b45f06",
        "glow": "#e08a1e",
        "good": "#1b7f4d",
        "bad": "#c22f2f",
        "bad_soft": "#fdf0ef",
        "wait": "#2b66c4",
        "button": "#ffffff",
        "hover": "#eef0f2",
        "shadow": "0 1px 2px rgba(20,24,30,.06)",
    },
    Theme.DARK: {
        "text": "#eef1f4",
        "muted": "#9aa4af",
        "card": "#1a1d21",
        "row": "#16191c",
        "line": "#2c3137",
        "track": "#2b3036",
        "film": "#0a0b0d",
        "accent": "#f3b04b",
        "glow": "#f3a63a",
        "good": "#56c98d",
        "bad": "#ff7b72",
        "bad_soft": "#2a1b1b",
        "wait": "#82aaff",
        "button": "#24282d",
        "hover": "#2f353b",
        "shadow": "none",
    },
}

_SHEET: Final = Template("""
.farm-jobs{color:$text;font-size:14px;line-height:1.45;font-variant-numeric:tabular-nums;padding:2px}
.farm-jobs *{box-sizing:border-box}
.farm-jobs .sum{display:flex;flex-wrap:wrap;gap:4px 20px;align-items:baseline;margin:2px 2px 12px;
 color:$muted}
.farm-jobs .sum b{color:$text;font-size:16px;font-weight:650}
.farm-jobs .sum .spent{margin-left:auto}
.farm-jobs .sum .over b{color:$bad}
.farm-jobs .cards{display:grid;grid-template-columns:1fr;gap:12px}
.farm-jobs.wide .cards{grid-template-columns:1fr 1fr}
.farm-jobs.wide .card:last-child:nth-child(odd){grid-column:1/-1}
.farm-jobs .card{background:$card;border:1px solid $line;border-radius:10px;padding:14px 16px 16px;
 box-shadow:$shadow;min-width:0;display:flex;flex-direction:column;gap:10px}
.farm-jobs .head{display:flex;gap:12px;align-items:flex-start;justify-content:space-between}
.farm-jobs .title{min-width:0;flex:1}
.farm-jobs .name{font-size:16px;font-weight:650;letter-spacing:-.01em;overflow:hidden;text-overflow:ellipsis;
 white-space:nowrap}
.farm-jobs .sub{color:$muted;font-size:12px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.farm-jobs .state{font-size:12px;font-weight:600;white-space:nowrap;color:$muted}
.farm-jobs .head .state{line-height:26px}
.farm-jobs .state:before{content:"";display:inline-block;width:8px;height:8px;border-radius:50%;
 background:currentColor;margin-right:6px}
.farm-jobs .rendering .state,.farm-jobs .finishing .state,.farm-jobs .baking .state{color:$accent}
.farm-jobs .done .state{color:$good}
.farm-jobs .failed .state,.farm-jobs .done_with_failures .state{color:$bad}
.farm-jobs .queued .state,.farm-jobs .held .state{color:$wait}
.farm-jobs .urgent{color:$accent;border:1px solid;border-radius:4px;font-size:10px;font-weight:700;
 letter-spacing:.04em;padding:0 5px;margin-left:8px;vertical-align:2px;text-transform:uppercase}
.farm-jobs .bar{display:flex;height:8px;border-radius:4px;background:$track;overflow:hidden}
.farm-jobs .bar div{height:100%;background:$muted}
.farm-jobs .rendering .bar .ok,.farm-jobs .finishing .bar .ok{background:$glow}
.farm-jobs .done .bar .ok,.farm-jobs .done_with_failures .bar .ok{background:$good}
.farm-jobs .bar .not{background:$bad}
.farm-jobs .facts{display:flex;flex-wrap:wrap;gap:6px 26px;align-items:flex-end}
.farm-jobs .fact b{display:block;font-size:16px;font-weight:650;letter-spacing:-.01em}
.farm-jobs .fact.ill b{color:$bad}
.farm-jobs .fact span{font-size:11px;color:$muted}
.farm-jobs .note{color:$muted;overflow-wrap:anywhere}
.farm-jobs .failed .note{color:$bad}
.farm-jobs .strip{display:flex;gap:4px;background:$film;border-radius:6px;padding:8px;overflow:hidden}
.farm-jobs .shot{position:relative;flex:0 1 20%;min-width:0;line-height:0}
.farm-jobs .shot img{width:100%;aspect-ratio:16/9;object-fit:cover;border-radius:3px;display:block;
 background:#000}
.farm-jobs .shot span{position:absolute;left:4px;bottom:4px;font-size:10px;line-height:14px;color:#fff;
 background:rgba(0,0,0,.62);border-radius:3px;padding:0 4px}
.farm-jobs .why{margin:0;padding:8px 12px;list-style:none;background:$bad_soft;border-radius:6px;
 font-size:13px}
.farm-jobs .why li{overflow-wrap:anywhere;margin:0}
.farm-jobs .why b{color:$bad;font-weight:600;margin-right:6px}
.farm-jobs .why .rest{color:$muted}
.farm-jobs .act{display:flex;gap:6px;flex:none}
.farm-jobs a.btn{display:inline-block;border:1px solid $line;background:$button;color:$text;border-radius:6px;
 font-size:12px;font-weight:600;line-height:18px;padding:3px 11px;cursor:pointer;text-decoration:none}
.farm-jobs a.btn:hover{background:$hover}
.farm-jobs a.btn.stop:hover{color:$bad;border-color:$bad}
.farm-jobs .rows{margin-top:14px;border:1px solid $line;border-radius:10px;overflow:hidden}
.farm-jobs .row{display:grid;grid-template-columns:56px minmax(0,3fr) minmax(0,4fr) 110px 70px 104px 70px;
 gap:0 14px;align-items:center;padding:7px 14px;background:$row;min-height:47px}
.farm-jobs .row + .row{border-top:1px solid $line}
.farm-jobs .row .name{font-size:14px}
.farm-jobs .row .note,.farm-jobs .row .num{font-size:12px;white-space:nowrap;overflow:hidden;
 text-overflow:ellipsis}
.farm-jobs .row .num{text-align:right}
.farm-jobs .row .ago{color:$muted}
.farm-jobs .row .act{justify-content:flex-end}
.farm-jobs .row .poster{width:56px;height:32px;border-radius:4px;overflow:hidden;background:$track}
.farm-jobs .row .poster img{width:100%;height:100%;object-fit:cover;display:block}
.farm-jobs.narrow .row{grid-template-columns:56px minmax(0,1fr) auto;gap:2px 12px}
.farm-jobs.narrow .row .said{grid-column:2;grid-row:2}
.farm-jobs.narrow .row .act{grid-column:3;grid-row:2}
.farm-jobs.narrow .row .money,.farm-jobs.narrow .row .ago{display:none}
.farm-jobs.narrow .facts{gap:6px 18px}
.farm-jobs .none{text-align:center;color:$muted;padding:48px 16px;border:1px dashed $line;border-radius:10px}
.farm-jobs .none b{display:block;color:$text;font-size:16px;margin-bottom:4px}
""")


def sheet(theme: Theme) -> str:
    return " ".join(_SHEET.substitute(_COLOURS[theme]).split("\n")).strip()
