// Draws how one subject went, day by day. The texts come from the page; HTML tooltips would break the content security policy.
"use strict";

const SOFT = "#51606f";

function trend(place) {
  const data = JSON.parse(place.dataset.chart);
  const unit = data.percent ? " %" : "";
  const chart = echarts.init(place, null, { renderer: "svg" });
  const mark = data.line === null ? undefined : {
    symbol: "none",
    silent: true,
    lineStyle: { color: "#c4473d", type: "dashed" },
    label: { formatter: place.dataset.line, position: "insideEndTop", color: "#a8261d", fontSize: 11 },
    data: [{ yAxis: data.line }],
  };
  chart.setOption({
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    aria: { enabled: true },
    animation: false,
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      formatter: ([point]) => `${point.name}  ${point.value ?? "—"}${point.value === undefined ? "" : unit}\n${place.dataset.n} ${data.of[point.dataIndex]}`,
    },
    grid: { left: 8, right: 12, top: 14, bottom: 6, containLabel: true },
    xAxis: { type: "category", data: data.days, boundaryGap: false, axisTick: { show: false }, axisLine: { lineStyle: { color: "#b9c5d2" } }, axisLabel: { color: SOFT } },
    yAxis: { type: "value", scale: true, splitLine: { lineStyle: { color: "#e6ebf1" } }, axisLabel: { color: SOFT, formatter: `{value}${unit}` } },
    series: [{ type: "line", data: data.values, connectNulls: false, showSymbol: true, symbolSize: 4, lineStyle: { width: 1.6 }, color: "#155bb0", markLine: mark }],
  });
  new ResizeObserver(() => chart.resize()).observe(place);
}

document.querySelectorAll(".trend").forEach(trend);
