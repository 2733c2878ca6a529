/** Version of the code tables in this folder; an entry names it, because a decision depends on them. */
export const codeTablesVersion = 1
