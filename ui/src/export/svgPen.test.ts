import { describe, expect, it } from "vitest";
import { SvgPen } from "./svgPen";

const pen = (): SvgPen => new SvgPen((text) => ({ width: text.length * 6 }) as TextMetrics);

describe("SvgPen", () => {
  it("writes shapes with their colors", () => {
    const ctx = pen();
    ctx.fillStyle = "#ff0000";
    ctx.fillRect(0, 0, 10, 20.126);
    ctx.strokeStyle = "blue";
    ctx.lineWidth = 2;
    ctx.setLineDash([3, 3]);
    ctx.beginPath();
    ctx.moveTo(0, 0);
    ctx.bezierCurveTo(1, 0, 1, 2, 2, 2);
    ctx.lineTo(5, 2);
    ctx.stroke();
    const svg = ctx.toSvg(10, 20);
    expect(svg).toContain('width="10" height="20" viewBox="0 0 10 20"');
    expect(svg).toContain('<rect x="0" y="0" width="10" height="20.13" fill="#ff0000"/>');
    expect(svg).toContain(
      '<path d="M0,0C1,0,1,2,2,2L5,2" fill="none" stroke="blue" stroke-width="2" stroke-dasharray="3 3"/>',
    );
  });

  it("writes gradients, clips and opacity, and puts them back", () => {
    const ctx = pen();
    const gradient = ctx.createLinearGradient(0, 0, 9, 0);
    gradient.addColorStop(0, "red");
    gradient.addColorStop(1, "blue");
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, 0, 5, 5);
    ctx.clip();
    ctx.globalAlpha = 0.5;
    ctx.fillStyle = gradient;
    ctx.beginPath();
    ctx.arc(5, 5, 2);
    ctx.fill();
    ctx.restore();
    ctx.fillRect(0, 0, 1, 1);
    const svg = ctx.toSvg(10, 10);
    expect(svg).toContain(
      '<linearGradient id="g0" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="9" y2="0">' +
        '<stop offset="0" stop-color="red"/>',
    );
    expect(svg).toContain('fill="url(#g0)" opacity="0.5" clip-path="url(#c0)"/>');
    expect(svg).toContain('<rect x="0" y="0" width="1" height="1" fill="black"/>');
  });

  it("never lets a text become markup", () => {
    const ctx = pen();
    ctx.font = '11px "Courier", monospace';
    ctx.textAlign = "right";
    ctx.fillText('<script>alert("1")</script>\u0000', 1, 2);
    const svg = ctx.toSvg(10, 10);
    expect(svg).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</text>");
    expect(svg).toContain('text-anchor="end"');
    expect(svg).toContain("font:11px &quot;Courier&quot;");
    expect(ctx.measureText("abc").width).toBe(18);
  });
});
