/** Files that were dropped or chosen, each with its path below what was dropped. */
import type { Dropped } from "@/api/imports";

/** Those of a file chooser. */
export function chosenFiles(list: FileList | null): Dropped[] {
  return [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Those of a drop; folders are walked through. */
export async function droppedFiles(items: DataTransferItemList): Promise<Dropped[]> {
  // the list is empty once the event is over
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return (await Promise.all(entries.map((entry) => walk(entry)))).flat();
}

async function walk(entry: FileSystemEntry): Promise<Dropped[]> {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed));
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  // a reader gives a hundred at a time, and none at the end
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(walk))).flat();
}

/** What was dropped, in few words: `run.csv`, or `runs, 12 files`. */
export function droppedWords(files: readonly Dropped[]): string {
  const top = [...new Set(files.map(({ path }) => path.split("/")[0]!))];
  const name = top.length === 1 ? top[0]! : `${top[0]} and ${top.length - 1} more`;
  return files.length === 1 ? name : `${name}, ${files.length.toLocaleString("en")} files`;
}
