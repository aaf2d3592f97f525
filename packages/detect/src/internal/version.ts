// The version that predictions and stored detectors carry; a test keeps it equal to package.json.
export const VERSION = '0.1.0'
