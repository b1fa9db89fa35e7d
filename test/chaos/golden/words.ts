// The model says these where planted bugs are to be met.

export const THROWS = 'MIDNIGHT-THROWS';
export const SPINS = 'MIDNIGHT-SPINS';
