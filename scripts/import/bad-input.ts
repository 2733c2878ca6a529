/** What somebody handed in cannot be used. The message is one line for people and holds nothing of the content. */
export class BadInput extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BadInput'
  }
}
