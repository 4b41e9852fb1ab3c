/**
 * Before ONNX Runtime is loaded. Unless this variable is set, its builds for Linux (seen in 1.30) give the machine an
 * identifier, keep a database of what was loaded in `$XDG_CACHE_HOME/Microsoft`, and send it to their makers.
 *
 * Native code sees the variables of the main thread alone: a program that opens a model in a worker thread of its own sets
 * `ORT_DISABLE_TELEMETRY=1` where it is started.
 */
export function disableTelemetry(): void {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
}
