/** @file The little of SVG and HTML that charts need: elements as strings, with everything that is not ours escaped. */

/** Control characters are no part of XML, not even escaped; nor are halves of surrogate pairs. */
const FORBIDDEN = /(?![\t\n\r])\p{Cc}|[\p{Surrogate}\ufffe\uffff]/gu;

/** For text and for attributes in either kind of quotes, in HTML and in XML. */
export function escapeMarkup(text: string): string {
  return text
    .replace(FORBIDDEN, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An element; `children` are markup already, attributes are not. Attributes that are undefined are left out. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const written = given.map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? place(value) : escapeMarkup(value!)}"`,
  );
  return `<${name}${written.join("")}${children.length > 0 ? `>${children.join("")}</${name}>` : "/>"}`;
}

/** An SVG text at a place, with the text escaped. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escapeMarkup(text));
}

/** A coordinate: a hundredth of a pixel is more than a screen shows. */
export function place(value: number): string {
  return String(Number(value.toFixed(2)));
}
