#!/usr/bin/env node
// Old syntax on purpose: an old Node must get as far as the message.
'use strict';

var WANTED = 24;

if (Number(process.versions.node.split('.')[0]) < WANTED) {
  process.stderr.write(
    'errand needs Node ' +
      WANTED +
      ' or newer, and this is Node ' +
      process.versions.node +
      '. Get one from https://nodejs.org\n',
  );
  process.exit(2);
}
require('./coordinator/cli/main.js');
