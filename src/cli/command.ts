import type { ArgumentsCamelCase, InferredOptionTypes, Options, PositionalOptions } from 'yargs'
import type { Host } from './host.ts'

/** A command below `topic` or `group`: what yargs has to know of it, and what it does. */
export interface Command<Positionals extends Positional = Positional, Own extends OwnOptions = OwnOptions> {
  /** As yargs wants it: `create <names..>`. */
  readonly syntax: string
  readonly aliases?: readonly string[]
  readonly describe: string
  readonly positionals: Positionals
  readonly options: Own
  readonly examples?: readonly (readonly [command: string, what: string])[]
  /** Printed below the options in the help. */
  readonly epilogue?: string
  /** Resolves with the exit code. Throws `CommandError`. */
  run(host: Host, args: CommandArguments<Positionals, Own>): Promise<number>
}

type Positional = Readonly<Record<string, PositionalOptions>>
type OwnOptions = Readonly<Record<string, Options>>

type CommandArguments<Positionals extends Positional, Own extends OwnOptions> = ArgumentsCamelCase<
  InferredOptionTypes<{ -readonly [Name in keyof Positionals]: Positionals[Name] }> &
    InferredOptionTypes<{ -readonly [Name in keyof Own]: Own[Name] }>
>

/** Keeps the types of a command's arguments. */
export function command<const Positionals extends Positional, const Own extends OwnOptions>(
  definition: Command<Positionals, Own>,
): Command<Positionals, Own> {
  return definition
}
