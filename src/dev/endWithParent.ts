// Loaded before the main module of a child process. A parent that was killed cannot end its children, but the channel
// to it closes, and a worker that nobody owns would poll for ever.
process.on('disconnect', () => process.exit(1));
process.channel?.unref();
