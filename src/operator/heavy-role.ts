// What a thread for heavy work is told to be, apart from its work: who starts it need not load that.

/** The thread's `workerData`, by which the program knows what to be. */
export const heavyRole = 'heavy work';
