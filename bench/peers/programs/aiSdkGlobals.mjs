// What the AI SDK needs of a browser, for all workflows of the worker at once: here the package's own
// `load-polyfills` reaches the first workflow of a worker only ("Headers is not defined" in the second).
import structuredClone from '@ungap/structured-clone';
import { Headers } from 'headers-polyfill';
import 'web-streams-polyfill/polyfill';

globalThis.Headers ??= Headers;
globalThis.structuredClone ??= structuredClone;
