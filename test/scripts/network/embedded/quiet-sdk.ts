// The SDK prints every failure that the tests provoke; it reads this when it is first imported.
process.env['HFC_LOGGING'] = '{}'
