// Types of the module that @cornerstonejs/codec-openjpeg publishes without any.
declare module '@cornerstonejs/codec-openjpeg/wasmjs' {
  const open: import('./openjpeg.ts').OpenOpenJpeg
  export default open
}
