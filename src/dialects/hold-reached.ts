/** The comment before the last events of a stream that is ended at its hold; readers of events skip it. */
export const HOLD_REACHED_COMMENT = ": x-tollgate-stopped: hold_reached\n\n";
