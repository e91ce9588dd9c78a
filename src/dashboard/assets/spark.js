// A small line of the latest values.

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [120, 28];

/** Draws `values` (the latest last) into `svg`. What it shows is said in words beside it. */
export function spark(svg, values) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const most = Math.max(...values, 1);
  const step = WIDTH / Math.max(values.length - 1, 1);
  const points = values.map((value, index) => {
    const x = values.length === 1 ? WIDTH : index * step;
    return `${x.toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
  });
  if (points.length === 1) points.unshift(`0,${points[0].split(",")[1]}`);
  const line = svg.firstElementChild ?? svg.appendChild(document.createElementNS(SVG, "polyline"));
  line.setAttribute("points", points.join(" "));
  svg.toggleAttribute("hidden", values.length === 0);
}

export const canvas = () => {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark");
  return svg;
};
