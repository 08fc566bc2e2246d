"""A page opened in headless Chromium: what it draws, what it says when the pointer is over it, and what goes wrong."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PROBE = """<script>window.wrong=[];window.onerror=(text)=>{wrong.push(String(text))};
console.error=(...told)=>{wrong.push(told.join(' '))};</script>"""
# plotly answers one hover in 50 ms
REPORT = """<script>window.addEventListener('load',async()=>{const found={wrong,charts:{},hover:{}};
const wait=(ms)=>new Promise(done=>setTimeout(done,ms));await wait(300);
for(const chart of document.querySelectorAll('.chart')){
 found.charts[chart.id]={traces:(chart.data||[]).length,svg:chart.querySelectorAll('svg.main-svg').length};
 found.hover[chart.id]='';
 for(const [curve,trace] of (chart.data||[]).entries()){try{
  if(trace.hoverinfo==='skip')continue;
  const known=(trace.y||[]).findIndex((one)=>one!==null);
  if(trace.type==='heatmap')
   Plotly.Fx.hover(chart,{xval:trace.z[0].findIndex((one)=>one!==null),yval:0},'xy');
  else Plotly.Fx.hover(chart,[{curveNumber:curve,pointNumber:known}]);
  await wait(150);
  found.hover[chart.id]+=[...chart.querySelectorAll('.hoverlayer text')].map(t=>t.textContent).join('|')+'\\n';
 }catch(error){wrong.push(chart.id+': '+error)}}}
STEPS
const box=document.createElement('pre');box.id='probe';box.textContent=JSON.stringify(found);document.body.append(box)})</script>"""


def chromium() -> str:
    """The browser; skips the test where there is none, and fails it where `CI` is set."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None and os.environ.get("CI"):
        pytest.fail("no Chromium: apt-get install chromium")
    if path is None:
        pytest.skip("no Chromium")
    return path


def opened(page: Path, steps: str = "") -> dict[str, Any]:
    """What a page came to: `wrong`, `charts` (traces, svg), `hover` (texts by chart), and what JavaScript `steps` note in `found`."""
    text = page.read_text(encoding="utf-8")
    probed = page.with_name(f"probed-{page.name}")
    text = text.replace("<head>", f"<head>{PROBE}", 1)
    probed.write_text(text.replace("</body>", REPORT.replace("STEPS", steps) + "</body>"), "utf-8")
    done = subprocess.run(
        [
            chromium(),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={page.parent / 'profile'}",
            "--window-size=1200,2600",
            "--virtual-time-budget=20000",
            "--dump-dom",
            probed.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    there = re.search(r"<pre id=\"probe\">(.*?)</pre>", done.stdout, re.DOTALL)
    assert there, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(html.unescape(there.group(1)))
    return found
