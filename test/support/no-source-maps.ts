// AVA turns source maps on in each of its processes. Types are stripped in place, so that ours need none: Node would
// only search all modules, and those of libraries, for their line ends and maps.
process.setSourceMapsEnabled(false);
