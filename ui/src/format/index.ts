export { apartAt, shortenApart } from "./apart";
export { changeKind, goodness, isFraction, type ChangeKind, type Goodness, type MetricLike } from "./metric";
export {
  describeValue,
  fixed,
  formatBytes,
  formatCount,
  formatValue,
  inColumn,
  isPrefixed,
  MINUS,
  MISSING,
  NBSP,
  plain,
  plural,
} from "./number";
export {
  formatChange,
  formatDifference,
  formatDifferenceInterval,
  formatInterval,
  formatIntervals,
  intervalDecimals,
} from "./change";
export {
  formatParameter,
  isolate,
  listSome,
  listWords,
  operationFull,
  operationLabel,
  shorten,
  type Parameters,
} from "./text";
export { judge, leaders, orderOf, SAME_TIME, Z95, type Reading } from "./ties";
