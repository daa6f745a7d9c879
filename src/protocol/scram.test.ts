import { expect, test } from 'vitest'
import {
  clientProof,
  isProofRight,
  ScramMechanism,
  saltedPassword,
  scramKeys,
  serverSignature,
} from './scram.ts'

const { SCRAM_SHA_256 } = ScramMechanism

test('the exchange of RFC 7677: the client proves that it knows the password, and so does the server', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const keys = scramKeys(SCRAM_SHA_256, saltedPassword(SCRAM_SHA_256, 'pencil', salt, 4096))
  const exchange = {
    clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    clientFinalWithoutProof: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  }
  const proof = clientProof(SCRAM_SHA_256, keys, exchange)
  expect(proof.toString('base64')).toBe('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=')
  expect(serverSignature(SCRAM_SHA_256, keys.serverKey, exchange).toString('base64')).toBe(
    '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  )
  expect(isProofRight(SCRAM_SHA_256, keys.storedKey, proof, exchange)).toBe(true)
  expect(isProofRight(SCRAM_SHA_256, keys.storedKey, proof.subarray(1), exchange)).toBe(false)
  const liar = scramKeys(SCRAM_SHA_256, saltedPassword(SCRAM_SHA_256, 'pen', salt, 4096))
  const wrong = clientProof(SCRAM_SHA_256, liar, exchange)
  expect(isProofRight(SCRAM_SHA_256, keys.storedKey, wrong, exchange)).toBe(false)
})

test('a mechanism that there is not', () => {
  expect(() => scramKeys(9, Buffer.alloc(32))).toThrow('there is no SCRAM mechanism 9')
})
