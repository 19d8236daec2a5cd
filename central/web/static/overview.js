// Draws captures by day and outcome. The texts come from the page; HTML tooltips would break the content security policy.
"use strict";

const COLOURS = {
  same: "#4f9d75",
  proxy: "#86c3a3",
  manual_verified: "#b9dfca",
  undecided: "#b4bfcb",
  different: "#e0a030",
  no_person: "#f0cd85",
  blind: "#7d8a98",
  attack: "#c4473d",
};

function draw(place) {
  const data = JSON.parse(place.dataset.chart);
  const font = getComputedStyle(document.body).fontFamily;
  const chart = echarts.init(place, null, { renderer: "svg" });
  chart.setOption({
    textStyle: { fontFamily: font },
    aria: { enabled: true },
    animation: false,
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, renderMode: "richText" },
    legend: { type: "scroll", top: 0, left: 0, right: 0, icon: "roundRect", itemWidth: 12, itemHeight: 12, itemGap: 18 },
    grid: { left: 8, right: 8, top: 44, bottom: 8, containLabel: true },
    xAxis: { type: "category", data: data.days, axisTick: { show: false }, axisLine: { lineStyle: { color: "#b9c5d2" } }, axisLabel: { color: "#51606f" } },
    yAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: "#e6ebf1" } }, axisLabel: { color: "#51606f" } },
    series: data.series.map((each) => ({
      type: "bar",
      stack: "captures",
      name: each.name,
      data: each.counts,
      barMaxWidth: 34,
      itemStyle: { color: COLOURS[each.code] },
    })),
  });
  new ResizeObserver(() => chart.resize()).observe(place);
}

const place = document.getElementById("outcomes-chart");
if (JSON.parse(place.dataset.chart).series.length > 0) {
  draw(place);
} else {
  place.hidden = true;
}
