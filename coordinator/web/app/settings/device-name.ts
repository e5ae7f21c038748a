export { deviceName } from '../../../../protocol/device-name.ts';
