"use strict";
// Draws the page of a sweep from the JSON of engine/sweep/sweep_data.py. Texts of the data are shown as they are: plotly takes
// tags in them for its own, so `plain` escapes them.
const data = JSON.parse(document.getElementById("data").textContent);
const axes = data.axes, figures = Object.keys(data.figures);
const BEST = "best", MEAN = "mean", LINES = 150, POINTS = 2000, COLORS = 8, EQUITIES = 5;
const layout = (more) => Object.assign({margin: {l: 70, r: 20, t: 20, b: 60}, hovermode: "closest"}, more);
const draw = (id, traces, more) => Plotly.react(id, traces, layout(more), {displaylogo: false, responsive: true});
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
// Returns and rates are drawn as percent: 0.0003 would be written 300µ.
const isShare = (name) => /(^|[._])(mean|excess|win_rate|median|return|drawdown|volatility)/.test(name || "");
const scale = (name) => isShare(name) ? {tickformat: ".4~%"} : {exponentformat: "none"};
const shown = (value, name) => value === null || value === undefined ? "-"
  : isShare(name) ? `${Number((100 * value).toPrecision(4))} %` : Number(value.toPrecision(6)).toString();
const rowOf = new Map(data.numbers.map((number, row) => [number, row]));

function told(row, figure) {
  const parameters = axes.map((axis, place) => `${plain(axis.name)}=${plain(axis.values[data.codes[place][row]])}`);
  const value = figure ? `<br>${plain(figure)} ${shown(data.figures[figure][row], figure)}` : "";
  return `variant ${data.numbers[row]}<br>${parameters.join("<br>")}${value}`;
}

function control(chart, label, options, change, chosen) {
  const place = document.getElementById(chart + "_controls"), box = document.createElement("select");
  place.append(label + " ");
  options.forEach((text, value) => {
    const option = document.createElement("option");
    option.value = value;
    option.textContent = text;
    box.append(option);
  });
  box.value = chosen || 0;
  box.id = `${chart}_${label.replace(/\W/g, "_")}`;
  box.addEventListener("change", change);
  place.append(box);
  return box;
}

function reduced(rows, figure, how) {  // of some rows: the value of a figure, and the row of the best
  let best = -1, sum = 0, count = 0;
  for (const row of rows) {
    const value = data.figures[figure][row];
    if (value === null) continue;
    sum += value;
    count += 1;
    if (best < 0 || value > data.figures[figure][best]) best = row;
  }
  return {value: count ? (how === MEAN ? sum / count : data.figures[figure][best]) : null, best, count};
}

function heat() {
  const names = axes.map((axis) => axis.name), id = "heat";
  const redraw = () => show();
  const x = control(id, "across", names, () => { others(); show(); }, 0);
  const y = control(id, "up", names, () => { others(); show(); }, Math.min(1, names.length - 1));
  const figure = control(id, "figure", figures, redraw), rest = document.createElement("span");
  const how = control(id, "of several", [BEST, MEAN], redraw);
  document.getElementById(id + "_controls").append(rest);
  let chosen = {};

  function others() {  // the values of the parameters that are not drawn
    rest.textContent = "";
    chosen = {};
    axes.forEach((axis, place) => {
      if (!data.all || place === +x.value || place === +y.value) return;
      const box = document.createElement("select");
      ["any", ...axis.values].forEach((text, value) => {
        const option = document.createElement("option");
        option.value = value - 1;
        option.textContent = text;
        box.append(option);
      });
      box.value = -1;
      box.addEventListener("change", redraw);
      rest.append(axis.name + " ", box);
      chosen[place] = box;
    });
  }

  function cellsOfAll(a, b, name, kind) {
    const cells = new Map();
    data.numbers.forEach((_, row) => {
      if (Object.entries(chosen).some(([place, box]) => +box.value >= 0 && data.codes[place][row] !== +box.value)) return;
      const key = data.codes[b][row] * axes[a].values.length + data.codes[a][row];
      if (!cells.has(key)) cells.set(key, []);
      cells.get(key).push(row);
    });
    return (i, j) => {
      const found = reduced(cells.get(j * axes[a].values.length + i) || [], name, kind);
      if (found.best < 0) return {value: null, text: "no variant"};
      const of = found.count > 1 ? `<br>${kind} of ${found.count} variants: ${shown(found.value, name)}; the best:` : "";
      return {value: found.value, text: told(found.best, name) + (of ? of.replace(/; the best:$/, "") : ""), best: found.best};
    };
  }

  function cellsOfPairs(a, b, name, kind) {
    const one = data.pairs[`${Math.min(a, b)},${Math.max(a, b)}`];
    if (!one) return () => ({value: null, text: "too many values"});
    return (i, j) => {
      const low = a < b ? i : j, high = a < b ? j : i, width = axes[Math.max(a, b)].values.length;
      const cell = low * width + high, value = one[name][kind][cell], number = one[name].number[cell];
      const where = `${plain(axes[a].name)}=${plain(axes[a].values[i])}<br>${plain(axes[b].name)}=${plain(axes[b].values[j])}`;
      return {value, text: `${where}<br>${kind} ${plain(name)} ${shown(value, name)}<br>the best is variant ${number}`};
    };
  }

  function show() {
    const a = +x.value, b = +y.value, name = figures[+figure.value], kind = [BEST, MEAN][+how.value];
    if (a === b && axes.length > 1) {
      draw(id, [], {annotations: [{text: "choose two parameters", showarrow: false, x: 0.5, y: 0.5, xref: "paper", yref: "paper"}]});
      return;
    }
    const cell = data.all ? cellsOfAll(a, b, name, kind) : cellsOfPairs(a, b, name, kind);
    const ups = a === b ? [0] : axes[b].values.map((_, j) => j);
    const grid = ups.map((j) => axes[a].values.map((_, i) => cell(i, a === b ? i : j)));
    draw(id, [{
      type: "heatmap", z: grid.map((line) => line.map((one) => one.value)),
      x: axes[a].values.map(plain), y: a === b ? [""] : axes[b].values.map(plain),
      text: grid.map((line) => line.map((one) => one.text)), hovertemplate: "%{text}<extra></extra>",
      customdata: grid.map((line) => line.map((one) => one.best)), colorscale: "Viridis",
      colorbar: scale(name),
    }], {xaxis: {title: {text: plain(axes[a].name)}, type: "category"},
         yaxis: {title: {text: a === b ? "" : plain(axes[b].name)}, type: "category"}});
  }
  others();
  show();
}

function line() {
  const id = "line", redraw = () => show();
  const axis = control(id, "parameter", axes.map((one) => one.name), redraw);
  const figure = control(id, "figure", figures, redraw);

  function show() {
    const place = +axis.value, name = figures[+figure.value], own = data.lines[place][name], x = axes[place].values.map(plain);
    const rows = data.numbers.map((_, row) => row).slice(0, POINTS);
    draw(id, [
      {x, y: own.high, mode: "lines", line: {width: 0}, hoverinfo: "skip", showlegend: false},
      {x, y: own.low, mode: "lines", line: {width: 0}, fill: "tonexty", fillcolor: "rgba(57,73,171,.12)", hoverinfo: "skip",
       name: "least to greatest"},
      {x: rows.map((row) => x[data.codes[place][row]]), y: rows.map((row) => data.figures[name][row]), mode: "markers",
       type: "scatter", marker: {size: 5, color: "rgba(239,108,0,.45)"}, name: "variants",
       text: rows.map((row) => told(row, name)), hovertemplate: "%{text}<extra></extra>"},
      {x, y: own.mean, mode: "lines+markers", line: {color: "#3949ab"}, name: "mean",
       hovertemplate: `${plain(axes[place].name)}=%{x}<br>mean %{y}<extra></extra>`},
    ], {xaxis: {title: {text: plain(axes[place].name)}, type: "category"}, yaxis: {title: {text: plain(name)}, ...scale(name)}});
  }
  show();
}

function byFigure(name) {  // rows that have the figure, best first
  const values = data.figures[name];
  return data.numbers.map((_, row) => row).filter((row) => values[row] !== null).sort((a, b) => values[b] - values[a]);
}

function parallel() {
  const id = "parallel", figure = control(id, "figure", figures, () => show());

  function show() {
    const name = figures[+figure.value], ordered = byFigure(name), half = Math.floor(LINES / 2);
    const step = Math.max(1, Math.floor((ordered.length - half) / half));
    const rows = ordered.length <= LINES ? ordered
      : [...ordered.slice(0, half), ...ordered.slice(half).filter((_, n) => n % step === 0)];
    const x = [...axes.map((axis) => plain(axis.name)), plain(name)];
    const values = rows.map((row) => data.figures[name][row]), low = Math.min(...values), high = Math.max(...values);
    const part = (value) => high > low ? (value - low) / (high - low) : 0.5;
    const traces = [];
    for (let color = 0; color < COLORS; color++) {
      const trace = {x: [], y: [], text: [], mode: "lines+markers", type: "scatter", hovertemplate: "%{text}<extra></extra>",
        marker: {size: 5}, line: {width: 1.2, color: `hsl(${230 - 200 * color / (COLORS - 1)},65%,48%)`}, showlegend: false};
      rows.forEach((row) => {
        const at = part(data.figures[name][row]);
        if (Math.min(COLORS - 1, Math.floor(at * COLORS)) !== color) return;
        axes.forEach((axis, place) => trace.y.push(axis.values.length > 1 ? data.codes[place][row] / (axis.values.length - 1) : 0.5));
        trace.y.push(at, null);
        trace.x.push(...x, null);
        for (let n = 0; n < x.length; n++) trace.text.push(told(row, name));
        trace.text.push(null);
      });
      if (trace.x.length) traces.push(trace);
    }
    const ends = axes.flatMap((axis, place) => [[place, -0.06, axis.values[0]], [place, 1.06, axis.values[axis.values.length - 1]]]);
    draw(id, traces, {xaxis: {type: "category"}, yaxis: {visible: false, range: [-0.12, 1.12]}, annotations:
      [...ends, [axes.length, -0.06, shown(low, name)], [axes.length, 1.06, shown(high, name)]].map(([place, y, text]) =>
        ({x: place, y, text: plain(text), showarrow: false, font: {size: 11}}))});
  }
  show();
}

function stability() {
  const name = figures[0];
  const rows = byFigure(name).filter((row) => data.around[row] !== null).slice(0, POINTS);
  if (!rows.length) {
    draw("stability", [], {annotations: [{text: "no variant has neighbours", showarrow: false, x: 0.5, y: 0.5, xref: "paper", yref: "paper"}]});
    return;
  }
  const best = rows.reduce((one, row) => data.around[row] > data.around[one] ? row : one, rows[0]);
  const text = (row) => `${told(row, name)}<br>neighbours ${shown(data.around[row], name)}`;
  const points = (of, label, marker) => ({x: of.map((row) => data.figures[name][row]), y: of.map((row) => data.around[row]),
    mode: "markers", type: "scatter", name: label, marker, text: of.map(text), hovertemplate: "%{text}<extra></extra>"});
  draw("stability", [points(rows, "variants", {size: 6, color: "rgba(57,73,171,.45)"}),
    points([rows[0]], "best variant", {size: 12, color: "#ef6c00"}),
    points([best], "best neighbourhood", {size: 12, color: "#00897b", symbol: "diamond"})],
    {xaxis: {title: {text: plain(name)}, ...scale(name)},
     yaxis: {title: {text: `mean of the neighbours' ${plain(name)}`}, ...scale(name)}});
}

function equity() {
  if (!data.equity) return;
  const id = "equity", there = Object.keys(data.equity.growth), input = document.createElement("input");
  input.size = 40;
  input.value = byFigure(figures[0]).map((row) => String(data.numbers[row])).filter((one) => there.includes(one)).slice(0, EQUITIES).join(", ");
  const said = document.createElement("span");
  document.getElementById(id + "_controls").append("variants ", input, said);

  function show() {
    const asked = input.value.split(/[\s,]+/).filter(Boolean), missing = asked.filter((one) => !there.includes(one));
    said.textContent = missing.length ? `not in the page: ${missing.join(", ")}` : "";
    draw(id, asked.filter((one) => there.includes(one)).map((one) => {
      const row = rowOf.get(+one), name = row === undefined ? `variant ${one}` : told(row);
      return {x: data.equity.sessions, y: data.equity.growth[one], mode: "lines", type: "scatter", name: `variant ${one}`,
        text: data.equity.sessions.map(() => name), hovertemplate: "%{text}<br>%{x}: %{y}<extra></extra>"};
    }), {yaxis: {title: {text: "growth of one unit"}}});
  }
  input.addEventListener("change", show);
  document.getElementById("heat").on("plotly_click", (event) => {
    const row = event.points[0].customdata;
    if (row === undefined || row === null || row < 0) return;
    input.value += `, ${data.numbers[row]}`;
    show();
  });
  show();
}

if (figures.length && axes.length) {
  heat();
  line();
  parallel();
  stability();
  equity();
}
