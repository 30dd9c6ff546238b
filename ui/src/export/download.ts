/** Files that the page makes, handed to the browser to keep. */
import { pictureBlob, type Picture, type PictureFormat } from "./picture";

/** Offer a file under a name in which only letters, digits and `-_. ` are left. */
export function download(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = fileName(name);
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function fileName(name: string): string {
  return (
    name
      .replace(/[^\p{L}\p{N}\-_. ]+/gu, "-")
      .replace(/^[-. ]+/, "")
      .slice(0, 120) || "download"
  );
}

export async function downloadPicture(picture: Picture, format: PictureFormat, name: string): Promise<void> {
  download(await pictureBlob(picture, format), `${name}.${format}`);
}

/** The byte order mark tells spreadsheets that the text is UTF-8. */
export function downloadCsv(text: string, name: string): void {
  download(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }), `${name}.csv`);
}
