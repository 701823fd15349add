"""The bar chart of `make bench`: how many times the instructions of Jacinth Linux takes."""

import math

WIDTH, LEFT, RIGHT = 760, 190, 150
TOP, ROW, BAR = 40, 22, 14
TEXT = 'font-family="sans-serif" font-size="12"'


def draw(operations):
    """An SVG picture; without figures of Linux, bars of Jacinth's instructions."""
    ratios = {key: figures["linux"]["instructions"] / figures["instructions"] for key, figures in operations.items() if "linux" in figures}
    if ratios:
        return picture("instructions in Linux for each one in Jacinth", ratios, lambda value: f"{value:.1f} times")
    counts = {key: figures["instructions"] for key, figures in operations.items()}
    return picture("instructions", counts, lambda value: f"{value:,.0f}")


def picture(title, values, label):
    """One bar each, on a logarithmic scale that begins at 1."""
    top = max(math.log10(max(values.values())), 0.1)
    scale = (WIDTH - LEFT - RIGHT) / top
    height = TOP + ROW * len(values) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" {TEXT} font-weight="bold">{title}</text>',
    ]
    for power in range(int(top) + 1):
        x = LEFT + power * scale
        lines.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 8}" stroke="#cccccc"/>')
        lines.append(f'<text x="{x + 3:.1f}" y="{TOP - 1}" {TEXT} fill="#888888">{10**power}</text>')
    for row, (key, value) in enumerate(values.items()):
        y = TOP + row * ROW + (ROW - BAR) // 2 + 2
        length = max(math.log10(value) * scale, 1) if value > 0 else 1
        lines.append(f'<text x="{LEFT - 8}" y="{y + BAR - 3}" {TEXT} text-anchor="end">{key}</text>')
        lines.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="#a3304a"/>')
        lines.append(f'<text x="{LEFT + length + 6:.1f}" y="{y + BAR - 3}" {TEXT}>{label(value)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
